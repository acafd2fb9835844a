"""Log probabilities in OpenAI's shape; the figures are made up, falling from one alternative to the next."""

from typing import Any


def logprobs(pieces: list[str], top: int) -> dict[str, Any]:
    """Return the `logprobs` member of a choice whose text is `pieces`, each taken for a token."""
    return {"content": [{**_one(piece, 0), "top_logprobs": _alternatives(piece, top)} for piece in pieces]}


def _one(token: str, place: int) -> dict[str, Any]:
    return {"token": token, "logprob": -0.125 * (1 + place), "bytes": list(token.encode())}


def _alternatives(token: str, top: int) -> list[dict[str, Any]]:
    return [_one(token if place == 0 else f"{token}{place}", place) for place in range(top)]
