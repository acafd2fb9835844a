"""Log probabilities in OpenAI's format, with invented values that decrease from one alternative to the next."""

from typing import Any


def logprobs(pieces: list[str], top: int) -> dict[str, Any]:
    """Return the `logprobs` member of a choice whose text is `pieces`; each piece counts as a token."""
    return {"content": [{**_entry(piece, 0), "top_logprobs": _alternatives(piece, top)} for piece in pieces]}


def _entry(token: str, rank: int) -> dict[str, Any]:
    return {"token": token, "logprob": -0.125 * (1 + rank), "bytes": list(token.encode())}


def _alternatives(token: str, top: int) -> list[dict[str, Any]]:
    return [_entry(token if rank == 0 else f"{token}{rank}", rank) for rank in range(top)]
