"""Xinference: a server for models of several engines, which decide on most parameters.

Sources: Xinference's routes of 2026 and public reports of its errors, as collected in docs/vendors/presets.md.
"""

from adapters.core.failures import FailureRule
from adapters.rules.verdicts import Rename
from adapters.vendors.openai_compatible import preset

XINFERENCE = preset(
    "xinference",
    "Xinference",
    docs="https://inference.readthedocs.io/en/latest/",
    base_urls={"local": "http://localhost:9997/v1"},
    chat={"max_completion_tokens": Rename("max_tokens")},
    completions={},
    embeddings={},
    failures=(FailureRule("model_not_found", status=400, text="model not found in the model list"),),
)
