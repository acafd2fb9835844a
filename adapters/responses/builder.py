"""The builder of a chat request that answers a request of the Responses API, and the verdicts that use it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.core.request import Custody
from adapters.responses.custom_tools import ToolNames
from adapters.responses.history import NO_HISTORY, History
from adapters.rules.verdicts import Rewrite

Unseal = Callable[[str], str | None]
"""Returns the text of an ``encrypted_content`` that banjia sealed for this client; None if it did not."""


def no_seals(sealed: str) -> str | None:
    """Return None: the Unseal of a server without seals."""
    return None


@dataclass(slots=True)
class ResponsesBuilder(RequestBuilder):
    """The chat request under construction. ``request`` is the client's.

    ``names``: see ``Translation.names``. ``turns``: the index in ``messages`` at which each turn begins. ``custody``: see
    ``Translation.custody``.
    """

    history: History = NO_HISTORY
    unseal: Unseal = no_seals
    tools: ToolNames = field(default_factory=ToolNames)
    names: dict[str, str] = field(default_factory=dict)
    turns: list[int] = field(default_factory=list)
    custody: list[Custody] = field(default_factory=list)


def rewrite(
    run: Callable[[str, Any, ResponsesBuilder], None], why: Message, words: tuple[VerdictWord, ...] = ("mapped",)
) -> Rewrite:
    """Return the verdict that calls a function with a ResponsesBuilder."""

    def of_responses(name: str, value: Any, builder: RequestBuilder) -> None:
        assert isinstance(builder, ResponsesBuilder)
        run(name, value, builder)

    return Rewrite(of_responses, why, words)
