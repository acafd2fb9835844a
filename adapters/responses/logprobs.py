"""Logprobs of chat as those of Responses: with the bytes of the tokens in items, without in events."""

from typing import Any


def text_logprobs(entries: Any) -> list[dict[str, Any]]:
    """Return the logprobs of a text part for these of chat. OpenAI requires all members; malformed entries are omitted."""
    if type(entries) is not list:
        return []
    out: list[dict[str, Any]] = []
    for entry in entries:
        token = _token(entry)
        if token is not None:
            tops = entry.get("top_logprobs")
            top_tokens = [_token(top) for top in tops] if type(tops) is list else []
            out.append({**token, "top_logprobs": [top for top in top_tokens if top is not None]})
    return out


def event_logprobs(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the logprobs of an event for those of a text part."""
    return [
        {**_without_bytes(entry), "top_logprobs": [_without_bytes(top) for top in entry["top_logprobs"]]}
        for entry in entries
    ]


def _token(entry: Any) -> dict[str, Any] | None:
    if type(entry) is not dict or type(entry.get("token")) is not str or type(entry.get("logprob")) not in (int, float):
        return None
    token_bytes = entry.get("bytes")  # null for a token that is not text by itself
    return {
        "token": entry["token"],
        "logprob": entry["logprob"],
        "bytes": token_bytes if type(token_bytes) is list else [],
    }


def _without_bytes(entry: dict[str, Any]) -> dict[str, Any]:
    return {"token": entry["token"], "logprob": entry["logprob"]}
