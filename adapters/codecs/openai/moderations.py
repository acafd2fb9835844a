"""Reads moderations of OpenAI-compatible vendors."""

from typing import Any

from adapters.codecs.openai.errors import VENDOR, InvalidResponse
from adapters.codecs.openai.exchange import codec
from adapters.codecs.openai.reader import WholeReader
from adapters.core.event import Event
from adapters.core.message import Message


class ModerationsReader(WholeReader):
    """Reads moderation results, which are passed on unchanged. They have no usage."""

    __slots__ = ()

    def whole(self, data: dict[str, Any], *, large: bool) -> Event:
        """Return the results. Raises InvalidResponse if there are none, or one lacks ``flagged``."""
        results = data.get("results")
        if type(results) is not list or not results or not all(type(r) is dict and "flagged" in r for r in results):
            raise InvalidResponse(
                "invalid_response", Message("{vendor} sent a moderation response without results.", vendor=VENDOR)
            )
        return self.finish_body(data)


openai_moderations = codec(ModerationsReader)
