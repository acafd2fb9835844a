"""MiniMax's embeddings, in their own form (sheet 2)."""

from typing import Any
from urllib.parse import parse_qs

from emulators.core import tokens
from emulators.core.vectors import vector
from emulators.minimax.errors import Refusal, invalid, unknown_model

MODEL = "embo-01"
WIDTH = 1536
KINDS = ("db", "query")
DONE = {"status_code": 0, "status_msg": ""}


def check_group(query: str, group: str | None) -> None:
    """Raise Refusal if `GroupId` is absent, or not `group` (sheet 1: GroupId in the query). `None`: any number."""
    given = parse_qs(query).get("GroupId", [""])[-1]
    if given != group if group is not None else not given.isdecimal():
        # the vendor's table of errors has this text beside others for 1004
        raise Refusal(1004, "token not match group")


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Return the vectors. Raises Refusal."""
    if body.get("model") != MODEL:
        raise unknown_model(str(body.get("model") or ""))
    texts = body.get("texts")
    # the sheet is silent about limits: the number of texts and their lengths are free
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise invalid("texts must be a list of texts")
    kind = body.get("type")
    if kind not in KINDS:
        raise invalid("type must be db or query")
    # the two kinds of vectors differ
    return {
        "vectors": [vector(f"{kind} {text}", WIDTH) for text in texts],
        "total_tokens": sum(tokens.count(text) for text in texts),
        "base_resp": DONE,
    }


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the body of an error: status 200."""
    return {"vectors": None, "total_tokens": 0, "base_resp": refusal.base_resp()}
