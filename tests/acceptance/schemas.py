"""Measures the processor time of checking 10,000 hostile pairs of a schema and a text: no pair may take 250 ms.

With ``--smoke`` there are few pairs, and the time is not judged, because the speed of the machine is not known.
"""

import gc
import time
from typing import Any

from adapters.json_schema.invalid import InvalidSchema
from adapters.json_schema.validator import compile_schema
from tests.acceptance.conftest import Figure
from tests.support.hostile_schemas import HostileSchemas

MOST_CPU_S = 0.25


def cpu_s(schema: Any, text: str) -> float:
    """Return the processor time that a request spends on a schema and on the answer."""
    began = time.process_time()
    try:
        compile_schema(schema).problem(text)
    except InvalidSchema:
        pass
    return time.process_time() - began


def test_no_hostile_pair_takes_long(smoke: bool, figure: Figure) -> None:
    gc.collect()
    worst = max(cpu_s(schema, text) for schema, text in HostileSchemas(20).pairs(200 if smoke else 10_000))
    figure("longest check of a hostile schema", worst, MOST_CPU_S, "s of CPU")
