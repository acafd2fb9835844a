"""Usage of the calls of one attempt that the vendor does not report: estimated, because the vendor bills them anyway."""

from collections.abc import Iterable

import orjson

from adapters.core.event import Event
from adapters.core.tokens import estimate_counts, estimate_prompt
from adapters.core.usage import Usage


def text_of(event: Event) -> str:
    """Return the text that a parsed event of a stream adds to the response, of all its choices."""
    texts = []
    for choice in event.data["choices"]:
        delta = choice.get("delta")  # absent in a vendor's native completions
        text = choice["text"] if delta is None else delta.get("content") or delta.get("reasoning_content")
        if type(text) is str:
            texts.append(text)
    return "".join(texts)


def estimates(bodies: Iterable[bytes], ascii_size: int, other_size: int) -> list[Usage]:
    """Return the estimated usage of each call, given the bodies of their requests.

    ``ascii_size`` and ``other_size``: the characters of ASCII texts and of other texts that were received. They are
    counted for the first call.
    """
    estimated = []
    for body in bodies:
        tokens = estimate_counts(ascii_size, other_size)
        estimated.append(Usage(estimate_prompt(orjson.loads(body)), tokens, source="estimated"))
        ascii_size = other_size = 0
    return estimated
