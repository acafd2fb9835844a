"""Rules for the messages of an ``openai_compatible`` server: those of its preset, and the operator's in the vendor entry."""

from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import SEMICOLON, Message, joined
from adapters.rules.alternating_messages import system_text
from adapters.rules.messages import MessageDict, fetched_image, image_of
from adapters.rules.reasons import SENT_AS_IS

SYSTEM_JOINED = Message("system messages are joined into one, placed first")
ONLY_DATA = Message("images are sent as data: URIs only")
NULL_CONTENT = Message("content null is sent as an empty text")


@dataclass(frozen=True, slots=True)
class ServerMessages:
    """Used as the verdict on ``messages``; the operator's options replace those of a preset.

    ``merge_system``: join all system messages into one, placed first (chat templates such as Qwen's on vLLM refuse a
    second one). ``developer_as``: the role that developer messages get; None keeps it. ``image_urls``: the server accepts
    public URLs of images; if not, the data of images that banjia fetched is sent. ``null_content``: the server accepts
    messages whose content is null.
    """

    merge_system: bool = False
    developer_as: str | None = None
    image_urls: bool = True
    null_content: bool = True

    @property
    def why(self) -> Message:
        reasons = [
            *([SYSTEM_JOINED] if self.merge_system else []),
            *([] if self.developer_as is None else [Message("developer is sent as {role}", role=self.developer_as)]),
            *([] if self.image_urls else [ONLY_DATA]),
            *([] if self.null_content else [NULL_CONTENT]),
        ]
        return joined(SEMICOLON, reasons) if reasons else SENT_AS_IS

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        usual: tuple[VerdictWord, ...] = ("honoured", "mapped", "refused")
        return usual if self.image_urls else (*usual, "emulated")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the messages into the builder's body. Raises Refused for a system message with other parts than text."""
        sent = [self.message(f"{name}[{at}]", message, builder) for at, message in enumerate(value)]
        if self.merge_system:
            sent = merged_system(name, sent, builder)
        builder.body[name] = sent
        if name not in builder.adaptations:
            builder.record(name, "honoured", SENT_AS_IS)

    def message(self, where: str, message: MessageDict, builder: RequestBuilder) -> MessageDict:
        """Return a message as it is sent. ``where`` is its path in the request. Raises Refused for an image's URL."""
        message = self._with_role(message, builder)
        content = message.get("content")
        if content is None and not self.null_content and "content" in message:
            builder.record("messages.content", "mapped", NULL_CONTENT, quiet=True)
            return {**message, "content": ""}
        if type(content) is not list:
            return message
        parts = [self.part(f"{where}.content[{at}]", part, builder) for at, part in enumerate(content)]
        return message if parts == content else {**message, "content": parts}

    def part(self, where: str, part: MessageDict, builder: RequestBuilder) -> MessageDict:
        """Return a content part as it is sent. Raises Refused."""
        if self.image_urls or part["type"] != "image_url":
            return part
        image = image_of(part)
        url = str(image.get("url") or "")
        if url.startswith("data:"):
            return part
        return {**part, "image_url": {**image, "url": fetched_image(f"{where}.image_url.url", url, builder)}}

    def _with_role(self, message: MessageDict, builder: RequestBuilder) -> MessageDict:
        if message["role"] != "developer" or self.developer_as in (None, "developer"):
            return message
        builder.record("messages.role", "mapped", Message("developer is sent as {role}", role=self.developer_as))
        return {**message, "role": self.developer_as}


def merged_system(name: str, messages: list[MessageDict], builder: RequestBuilder) -> list[MessageDict]:
    """Join the system messages into one, placed first. Raises Refused for one with other parts than text."""
    places = [at for at, message in enumerate(messages) if message["role"] == "system"]
    if not places or places == [0]:
        return messages
    texts = [system_text(name, (at, messages[at]), builder) for at in places]
    builder.record(name, "mapped", SYSTEM_JOINED)
    rest = [message for message in messages if message["role"] != "system"]
    return [{"role": "system", "content": "\n\n".join(filter(None, texts))}, *rest]
