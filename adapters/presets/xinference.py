"""Xinference: a server for models of several engines, which decide on most parameters.

Source: ``xinference/api/restful_api.py`` of 2026, as collected in docs/vendors/presets.md. Its errors are ``{"detail": …}``, in a
stream ``{"error": …}``.
"""

from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.rules.defaults import NOT_IN_API, ONE_CALL_PER_CHOICE
from adapters.rules.verdicts import Drop, Refuse, Rename
from adapters.vendors.openai_compatible import preset

IGNORED = Refuse(Message("the server ignores it, and the client would rely on it"))
LEFT_OUT = Drop(NOT_IN_API)  # 501 "Not implemented" for logit_bias; user is not read

XINFERENCE = preset(
    "xinference",
    "Xinference",
    docs="https://inference.readthedocs.io/en/latest/",
    base_urls={"local": "http://localhost:9997/v1"},
    chat={
        "max_completion_tokens": Rename("max_tokens"),  # versions of 2026 read both
        "n": ONE_CALL_PER_CHOICE,
        "logit_bias": LEFT_OUT,
        "user": LEFT_OUT,
    },
    completions={"n": IGNORED, "best_of": IGNORED, "logit_bias": LEFT_OUT, "user": LEFT_OUT},
    embeddings={"user": LEFT_OUT},
    failures=(FailureRule("model_not_found", status=400, text="model not found in the model list"),),
)
