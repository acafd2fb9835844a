"""What a vendor is: a name, hosts, a way to sign, and for each operation a table of verdicts and of failures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from adapters.core.adaptations import Adaptation
from adapters.core.auth import Auth
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.exchange import Make
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Operation

ThinkingPolicy = Literal["auto", "vendor", "off"]


def no_conflict(builder: RequestBuilder) -> Message | None:
    """Nothing in a request keeps this vendor's models from thinking."""
    return None


@dataclass(frozen=True, slots=True)
class ReasoningSwitch:
    """How one vendor is told.

    ``turn(draft, on)`` writes its own member into the body; ``excludes(draft)`` gives the reason why this request can't
    run with thinking on (a forced tool call, for example), or None. ``prevents(draft)`` is the same for what wins even
    over a request that asks for thinking.
    """

    set: Callable[[RequestBuilder, bool], None]
    excludes: Callable[[RequestBuilder], Message | None] = no_conflict
    prevents: Callable[[RequestBuilder], Message | None] = no_conflict


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of a vendor.

    ``path`` is appended to the base URL; ``codec`` makes the Exchange; ``params`` holds a verdict for every OpenAI
    parameter (and for the vendor's own where they need one); ``failures`` are tried in order before the status;
    ``own_tool_ids``: the vendor's tool-call ids repeat, so ours take their place; ``choice_members``: what its choices have beside OpenAI's
    members, and callers are to see; ``max_inputs`` is the most texts one embeddings call takes, as a function of the model; ``finish`` corrects the
    finished body (for what depends on several fields).
    """

    path: str
    codec: "Codec"
    params: Mapping[str, Verdict]
    failures: tuple[FailureRule, ...] = ()
    own_tool_ids: bool = False
    choice_members: frozenset[str] = frozenset()
    max_inputs: Callable[[Model], int | None] = lambda model: None
    finish: Callable[[RequestBuilder], None] = lambda builder: None


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: all that is needed to talk to it but a key.

    ``base_urls`` maps a region to the prefix an OpenAI SDK would be given; ``key_names`` are the environment variables
    that hold its key, the usual first; ``dial`` is how its models are told to think or not; ``hides`` is a pattern of
    what its messages say of the operator's account, which is no caller's business. A vendor that has had several
    OpenAI-shaped APIs side by side is the usual one of them, called ``usual_edition``; the others are its ``editions``
    by name, and each of these knows its own as ``edition``. ``transparent``: a server of which nothing is known but its
    wire, so that requests go out as they came, also where OpenAI's own service would refuse a value that its description
    allows. ``rank``: vendors whose keys are in the environment are tried in ascending order of it.
    """

    name: str
    title: str
    base_urls: Mapping[str, str]
    auth: Auth
    key_names: tuple[str, ...]
    operations: Mapping[Operation, Op]
    docs: str
    reasoning_switch: ReasoningSwitch | None = None
    redacted: str | None = None
    edition: str | None = None
    usual_edition: str | None = None
    editions: Mapping[str, "Vendor"] = field(default_factory=dict)
    transparent: bool = False
    rank: int = 100

    @property
    def catalog(self) -> str:
        """The name of its catalog file: the other edition of a vendor has its own models."""
        return self.name if self.edition is None else f"{self.name}_{self.edition}"

    @property
    def edition_names(self) -> tuple[str, ...]:
        """What the editions are called, the usual one first; empty where there is but one."""
        return () if self.usual_edition is None else (self.usual_edition, *self.editions)

    @property
    def in_each_edition(self) -> tuple["Vendor", ...]:
        """This one, then its other editions."""
        return (self, *self.editions.values())

    def of_edition(self, edition: str | None) -> "Vendor | None":
        """The API of that edition: this one where none is asked for, None where there is no such one."""
        if edition is None or edition == self.usual_edition:
            return self
        return self.editions.get(edition)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go: one model of one configured vendor, with the operator's wishes for it.

    ``entry`` is the vendor's name in the configuration (several entries may share a kind); ``overlay`` is the
    operator's ``set``, which wins over the caller; ``defaults`` are a stand-in's, which the caller wins over;
    ``base_url`` has no trailing slash. ``messages`` is the operator's own verdict on chat messages, in place of the
    table's. In ``overlay`` None leaves a field out. ``drop`` names the fields that are left out where they would be
    refused. ``width`` is how many numbers OpenAI's vectors have under the name that was asked for; None if that is not
    one of OpenAI's names of embeddings.
    """

    entry: str
    vendor: Vendor
    model: Model
    base_url: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    disabled_emulations: frozenset[str] = frozenset()  # the emulations that the operator has switched off
    drop: frozenset[str] = frozenset()
    openai_dimensions: int | None = None
    thinking: ThinkingPolicy = "auto"
    messages: Verdict | None = None
    report_model: Literal["requested", "vendor"] = "requested"
    emulated: bool = False  # one of our own emulators, started by us: its answers are marked
    label: str = field(init=False)  # ``entry/model``, as the configuration and ``x-banjia-target`` spell it
    removed: tuple[str, ...] = field(init=False)  # what ``overlay`` leaves out

    def __post_init__(self) -> None:
        label = f"{self.entry}/{self.model.id}"
        object.__setattr__(self, "label", f"emulator:{label}" if self.emulated else label)
        object.__setattr__(self, "removed", tuple(name for name, value in self.overrides.items() if value is None))


class Plan(NamedTuple):
    """A request made ready for one target: the ask in the vendor's terms, and what became of every field.

    ``emulate`` names what wrappers have to make up for, with the value that each one needs. ``more`` are the asks of
    the further calls that the answer is gathered from (several prompts in one request), in the vendor's terms too.
    ``added`` names the members of the vendor's body that the request does not ask for: :func:`plan_without` leaves them out.
    """

    request: ApiRequest
    target: Target
    op: Op
    adaptations: Mapping[str, Adaptation]
    thinks: bool
    tool_names: Mapping[str, str]
    emulations: Mapping[str, Any]
    further_requests: tuple[ApiRequest, ...] = ()
    added: tuple[str, ...] = ()


Codec = Callable[[Plan], Make]
