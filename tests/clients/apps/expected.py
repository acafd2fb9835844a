"""Parts of applications that are known to fail, and those whose requests are meant to fail.

A key has an application and a part. Its value applies to the vendors for which its condition holds. A listed part that
passes at such a vendor fails the run.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target, Vendor
from adapters.planning import plan
from config.catalog import models as catalog
from config.catalog.openai_names import width_of
from tests.support.client_stage import SMALL, VARIANTS, user

Condition = Callable[[Vendor], bool]


def everywhere(vendor: Vendor) -> bool:
    """Hold for every vendor."""
    return True


def joins_turns(vendor: Vendor) -> bool:
    """Whether the vendor gets neighbouring turns of the user as one."""
    return len(_plan(vendor, messages=[user("a"), user("b")]).request.fields["messages"]) == 1


def lacks_openais_width(vendor: Vendor) -> bool:
    """Whether the vendor has embeddings, and none as long as those of ``text-embedding-3-small``."""
    rows = catalog.load(vendor.catalog)
    found = rows.stand_in(SMALL, "embeddings")
    return found is not None and width_of(SMALL) not in rows.by_id[found.model].facts["dimensions"]


def _plan(vendor: Vendor, **fields: Any) -> Plan:
    rows = catalog.load(vendor.catalog)
    found = rows.stand_ins["gpt-4o"]
    model = rows.by_id[found.model].model()
    target = Target(vendor.name, vendor, model, "", defaults=found.set)
    return plan(ApiRequest("chat", "gpt-4o", {"messages": [user("Hello")], **fields}), target)


class Failure(NamedTuple):
    """A part that fails at some vendors, and its cause."""

    at: Condition
    cause: str


EXPECTED_FAILURES: dict[tuple[str, str], Failure] = {
    ("autogen-0.2", "chosen_speakers"): Failure(
        joins_turns,
        "no flaw: the vendor gets neighbouring turns as one, which its emulator repeats whole, so that it names every speaker",
    ),
    ("mem0", "openais_width"): Failure(
        lacks_openais_width, "no flaw: the vendor's vectors are shorter than the 1,536 numbers that the store wants"
    ),
}


ENDINGS: dict[tuple[str, str], str] = {
    ("ai-sdk", "cut_responses"): "truncated",
    ("codex", "cut"): "truncated",
    ("codex", "long"): "rejected",
    ("llm-comply", "gpt_4o_refuses"): "rejected",
    ("llm-comply", "o3_mini_refuses"): "rejected",
}
"""How all requests of a part end, if not as complete."""


def failure(name: str, vendor: str, part: str) -> str | None:
    """Return why this part is expected to fail."""
    found = EXPECTED_FAILURES.get((name, part))
    return found.cause if found is not None and found.at(VARIANTS[vendor]) else None


def ending(name: str, part: str) -> str:
    """Return how the requests of this part end."""
    return ENDINGS.get((name, part), "complete")
