"""Rules for the messages of an ``openai_compatible`` server, set by the operator in the vendor entry."""

from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.alternating_messages import system_text
from adapters.rules.messages import MessageDict
from adapters.rules.reasons import SENT_AS_IS

SYSTEM_JOINED = Message("system messages are joined into one, placed first")


@dataclass(frozen=True, slots=True)
class ServerMessages:
    """Used as the verdict on ``messages`` in place of the table's.

    ``merge_system``: join all system messages into one, placed first (chat templates such as Qwen's on vLLM refuse a
    second one). ``developer_as``: the role that developer messages get; None keeps it.
    """

    merge_system: bool = False
    developer_as: str | None = None
    why: Message = Message("as configured by messages in the vendor entry")
    words: tuple[VerdictWord, ...] = ("honoured", "mapped", "refused")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the messages into the builder's body. Raises Refused for a system message with other parts than text."""
        sent = [self._with_role(message, builder) for message in value]
        if self.merge_system:
            sent = merged_system(name, sent, builder)
        builder.body[name] = sent
        if name not in builder.adaptations:
            builder.record(name, "honoured", SENT_AS_IS)

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
