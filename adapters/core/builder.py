"""RequestBuilder, which collects the vendor's request body, and the protocol of the verdicts that write into it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from adapters.core.adaptations import Adaptation as Adaptation  # noqa: PLC0414 - exported for modules with verdicts
from adapters.core.adaptations import VerdictWord as VerdictWord  # noqa: PLC0414
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest


@dataclass(slots=True)
class RequestBuilder:
    """The vendor's request body under construction, and the verdicts recorded so far."""

    request: ApiRequest
    model: Model
    thinks: bool = False
    strict: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    adaptations: dict[str, Adaptation] = field(default_factory=dict)
    tool_names: dict[str, str] = field(default_factory=dict)  # the vendor's name -> the client's
    renamed_tools: dict[str, str] | None = None  # the client's name -> the vendor's; None: no tool is renamed
    emulations: dict[str, Any] = field(default_factory=dict)  # emulation -> the value that its wrapper needs
    disabled_emulations: frozenset[str] = frozenset()  # the emulations that the operator has disabled
    default_fields: frozenset[str] = frozenset()  # fields that come from a stand-in's defaults, not from the client
    whole: bool = False  # see answer_whole
    sends_reasoning: bool = False  # messages with tool calls get the reasoning that the client omitted
    blank_reasoning: str | None = None  # sent in its place if it is not known; None: nothing is sent
    added: tuple[str, ...] = ()  # members of the body that banjia added: removed if the vendor refuses them

    def add(self, name: str, value: Any) -> None:
        """Write a member of the body, and list it in ``added`` unless the client sent that field."""
        if name not in self.body and name not in self.request.fields and name not in self.added:
            self.added += (name,)
        self.body[name] = value

    def answer_whole(self) -> None:
        """Request a whole response of one choice per call, also if the client streams or requests several choices.

        The response writer cuts it into chunks, and the emulation of ``n`` makes the calls.
        """
        self.whole = True

    def record(self, name: str, word: VerdictWord, why: Message, *, quiet: bool = False) -> None:
        """Record a verdict. Raises Refused for ``refused``, and if ``strict`` also for dropped and clamped."""
        if word == "refused" or (self.strict and word in ("dropped", "clamped")):
            model = self.model.id
            if word == "refused":
                wrong = Message("'{name}' is not supported by {model}: {why}.", name=name, model=model, why=why)
            else:
                wrong = Message(
                    "'{name}' is not supported by {model}: {why} (it would be {word}, but policy.unsupported is strict).",
                    name=name,
                    model=model,
                    why=why,
                    word=word,
                )
            raise Refused(name, wrong)
        before = self.adaptations.get(name)
        if before is None or before.word == "honoured" or before.quiet:
            self.adaptations[name] = Adaptation(word, why, quiet)

    def rename_tool(self, name: str, sent_name: str) -> None:
        """Send a tool under a name that the vendor accepts."""
        self.tool_names[sent_name] = name
        if self.renamed_tools is None:
            self.renamed_tools = {}
        self.renamed_tools.setdefault(name, sent_name)

    def refuse(self, name: str, why: Message) -> None:
        """Raise Refused for this field."""
        self.record(name, "refused", why)

    def emulate(self, name: str, by: str, value: Any, why: Message) -> None:
        """Leave the field to the wrapper ``by``. Raises Refused if the operator has disabled that emulation."""
        if by in self.disabled_emulations:
            self.refuse(
                name,
                Message(
                    "{why}, but policy.emulate turns this off (to turn it on: emulate: {{{by}: on}})",
                    why=why,
                    by=by,
                ),
            )
        self.emulations[by] = value
        self.record(name, "emulated", why)


class Verdict(Protocol):
    """One cell of a vendor's table: how it handles one parameter."""

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        """The verdict words that are possible, the usual one first."""
        ...

    @property
    def why(self) -> Message:
        """The reason, for ``explain`` and the docs."""
        ...

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the field into the builder's body, or omit it, and record the verdict. Raises Refused."""
        ...
