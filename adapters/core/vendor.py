"""Vendor, its operations with their tables of verdicts and failures, and the Plan of a request for one target."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Self

from adapters.core.adaptations import Adaptation
from adapters.core.auth import Auth, TokenExchange
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.exchange import Make
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Operation

ThinkingPolicy = Literal["auto", "vendor", "off"]


Conflict = Callable[[RequestBuilder], Message | None]
"""Returns why a request can't run with thinking on, or None if it can."""
FieldConflict = Callable[[Any, RequestBuilder], Message | None]
"""Returns why a request with this value of a field (a forced tool call, for example) can't run with thinking on."""


@dataclass(frozen=True, slots=True)
class ReasoningSwitch:
    """How thinking is switched on and off at one vendor.

    ``set(builder, on)`` writes the vendor's switch into the body. A conflict in ``excludes``, by the field that may have
    it, turns thinking off unless the request asks for it; one in ``prevents`` turns it off in any case. ``shared_limit``:
    the token limit of a request covers its reasoning, too.
    """

    set: Callable[[RequestBuilder, bool], None]
    excludes: Mapping[str, FieldConflict] = field(default_factory=dict)
    prevents: tuple[Conflict, ...] = ()
    shared_limit: bool = True

    @classmethod
    def enable_thinking(
        cls,
        *,
        excludes: Mapping[str, FieldConflict] | None = None,
        prevents: tuple[Conflict, ...] = (),
        shared_limit: bool = True,
    ) -> Self:
        """Return the switch ``enable_thinking: true | false``."""
        return cls(_set_enable_thinking, excludes or {}, prevents, shared_limit)

    @classmethod
    def thinking_type(
        cls,
        *,
        excludes: Mapping[str, FieldConflict] | None = None,
        prevents: tuple[Conflict, ...] = (),
        shared_limit: bool = True,
    ) -> Self:
        """Return the switch ``thinking: {"type": "enabled" | "disabled"}``."""
        return cls(_set_thinking_type, excludes or {}, prevents, shared_limit)


def _set_enable_thinking(builder: RequestBuilder, on: bool) -> None:
    builder.body["enable_thinking"] = on


def _set_thinking_type(builder: RequestBuilder, on: bool) -> None:
    builder.body["thinking"] = {"type": "enabled" if on else "disabled"}


def _thinking_model(model: Model) -> bool:
    return model.thinking != "never"


@dataclass(frozen=True, slots=True)
class EarlierReasoning:
    """Which requests carry the reasoning of earlier answers with tool calls, as ``reasoning_content`` of their messages.

    OpenAI's clients omit this member, so banjia keeps the reasoning and puts it back. ``models``: those that read it.
    ``applies``: whether this request must or may have it, once thinking is switched on or off; None: while it thinks.
    ``blank`` is sent if neither the client nor banjia has it; None: nothing.
    """

    models: Callable[[Model], bool] = _thinking_model
    applies: Callable[[RequestBuilder], bool] | None = None
    blank: str | None = None


@dataclass(frozen=True, slots=True)
class Op:
    """One operation of a vendor.

    ``path`` is appended to the base URL. A request for which a condition in ``paths`` holds takes that path instead, for
    vendors with features under a second base path. ``base_urls`` are those of an operation that the vendor serves elsewhere,
    by region; an operator's ``base_url`` takes precedence. ``codec`` creates the Exchange; ``params`` has a verdict for every OpenAI
    parameter (and for vendor parameters that need one); ``failures`` are tried in order before the status.
    ``own_tool_ids``: the vendor's tool call ids are not unique, so banjia generates its own. ``choice_members``: members
    of a choice beyond OpenAI's that are passed to the client. ``max_inputs``: the maximum number of texts in one
    embeddings call, as a function of the model. ``finish`` corrects the finished body: it has the rules that depend on
    several fields, each under a member of the body without which it does not apply. ``earlier_reasoning``: which requests carry the reasoning of earlier answers; None: no request.
    """

    path: str
    codec: "Codec"
    params: Mapping[str, Verdict]
    failures: tuple[FailureRule, ...] = ()
    own_tool_ids: bool = False
    choice_members: frozenset[str] = frozenset()
    max_inputs: Callable[[Model], int | None] = lambda model: None
    finish: Mapping[str, Callable[[RequestBuilder], None]] = field(default_factory=dict)
    paths: tuple[tuple[Callable[[RequestBuilder], bool], str], ...] = ()
    base_urls: Mapping[str, str] = field(default_factory=dict)
    earlier_reasoning: EarlierReasoning | None = None

    def path_for(self, builder: RequestBuilder) -> str:
        """Return the path for a request whose body is complete."""
        return next((path for holds, path in self.paths if holds(builder)), self.path)


class ClosedVariant(NamedTuple):
    """An API that its vendor has closed, on the day ``since`` (year, month, day); ``instead`` says what to configure."""

    name: str
    since: tuple[int, int, int]
    instead: Message


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: everything needed to call it, except a key.

    ``base_urls`` maps a region to the base URL that an OpenAI SDK would get. ``key_names`` are the environment
    variables with its key, the usual one first. ``reasoning_switch`` switches thinking of its models. ``token_exchange``: how it
    issues temporary tokens for a key pair, in place of an API key; None if it does not. ``redacted`` is a
    pattern of the details about the operator's account that the vendor's messages contain and clients must not see.
    ``rank``: vendors whose keys are in the environment are tried in ascending order of rank. ``optional_paths``: paths under
    which the vendor serves the same API as without one; they are removed from the end of an operator's ``base_url``. ``example``: the model
    of this vendor that messages and help texts have in their examples; None at all others.

    A vendor with several APIs (two editions, or a protocol of its own) is represented by the usual one, named
    ``usual_variant``; the others are in ``variants`` by name, and each has its name in ``variant``. ``closed`` lists those
    that the vendor has closed. ``transparent``: a server of which only the
    protocol is known, so requests are sent unchanged, even with values that OpenAI's description allows but its service
    refuses. ``preset``: such a server of a known make (``adapters/presets/``), whose table changes only what that server
    needs. ``keyless``: it usually has no API key, so an entry without one is complete.
    """

    name: str
    title: str
    base_urls: Mapping[str, str]
    auth: Auth
    key_names: tuple[str, ...]
    operations: Mapping[Operation, Op]
    docs: str
    reasoning_switch: ReasoningSwitch | None = None
    token_exchange: TokenExchange | None = None
    redacted: str | None = None
    variant: str | None = None
    usual_variant: str | None = None
    variants: Mapping[str, "Vendor"] = field(default_factory=dict)
    closed: tuple[ClosedVariant, ...] = ()
    transparent: bool = False
    preset: bool = False
    keyless: bool = False
    rank: int = 100
    optional_paths: tuple[str, ...] = ()
    example: str | None = None

    @property
    def catalog(self) -> str:
        """The name of its catalog file: each variant has its own models."""
        return self.name if self.variant is None else f"{self.name}_{self.variant}"

    @property
    def variant_names(self) -> tuple[str, ...]:
        """The names of the variants, the usual one first; empty if there is only one."""
        return () if self.usual_variant is None else (self.usual_variant, *self.variants)

    @property
    def in_each_variant(self) -> tuple["Vendor", ...]:
        """This vendor, then its other variants."""
        return (self, *self.variants.values())

    def base_url(self, region: str, operation: Operation = "chat") -> str:
        """Return the base URL of an operation in a region. Raises KeyError for an unknown region."""
        op = self.operations.get(operation)
        return (op.base_urls.get(region) if op else None) or self.base_urls[region]

    def of_variant(self, name: str | None) -> "Vendor | None":
        """Return the vendor of that variant: this one for None, and None for an unknown name."""
        if name is None or name == self.usual_variant:
            return self
        return self.variants.get(name)


@dataclass(frozen=True, slots=True)
class Target:
    """One model of one configured vendor, with the operator's settings for it.

    ``entry`` is the vendor's name in the configuration (several entries may share a kind); ``base_url`` has no trailing
    slash. ``overrides`` is the operator's ``set``, which takes precedence over the client; None removes a field.
    ``defaults`` are those of a stand-in; the client takes precedence over them. ``drop`` names the fields that are
    omitted if they would be refused; ``omit`` those that ``policy.emulate`` omits. ``messages`` is the
    operator's verdict on chat messages, in place of the table's. ``openai_dimensions`` is the vector size of the requested
    name at OpenAI; None if it is not one of OpenAI's embedding names. ``repair_max_tokens``: the largest prompt, in
    tokens, with which an emulation requests a better answer; those of ``unrepaired`` never do.
    """

    entry: str
    vendor: Vendor
    model: Model
    base_url: str
    overrides: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    disabled_emulations: frozenset[str] = frozenset()  # the emulations that the operator has disabled
    drop: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    openai_dimensions: int | None = None
    repair_max_tokens: int = 16_000
    unrepaired: frozenset[str] = frozenset()
    thinking: ThinkingPolicy = "auto"
    messages: Verdict | None = None
    report_model: Literal["requested", "vendor"] = "requested"
    hosted_tools: Literal["drop", "refuse"] = "drop"  # what happens to tools that OpenAI runs itself
    emulated: bool = False  # an emulator that banjia started: its responses are marked
    label: str = field(init=False)  # ``entry/model``, as in the configuration and ``x-banjia-target``
    removed: tuple[str, ...] = field(init=False)  # the fields that are None in ``overrides``
    droppable: frozenset[str] = field(init=False)  # the fields of ``drop`` and ``omit``
    reads_reasoning: bool = field(init=False)  # whether the model reads the reasoning of earlier answers
    keeps_reasoning: bool = field(init=False)  # whether banjia keeps the model's reasoning and puts it back

    def repair_limit(self, emulation: str) -> int:
        """Return the largest prompt, in tokens, with which this emulation requests a better answer; 0 for none."""
        return 0 if emulation in self.unrepaired else self.repair_max_tokens

    def __post_init__(self) -> None:
        label = f"{self.entry}/{self.model.id}"
        object.__setattr__(self, "label", f"emulator:{label}" if self.emulated else label)
        object.__setattr__(self, "removed", tuple(name for name, value in self.overrides.items() if value is None))
        object.__setattr__(self, "droppable", self.drop | self.omit)
        op = self.vendor.operations.get(self.model.operation)
        reads = op is not None and op.earlier_reasoning is not None and op.earlier_reasoning.models(self.model)
        object.__setattr__(self, "reads_reasoning", reads)
        object.__setattr__(self, "keeps_reasoning", reads and "reasoning" not in self.disabled_emulations)


class Plan(NamedTuple):
    """A request prepared for one target: ``request`` in the vendor's terms, and the verdict on every field.

    ``emulations`` maps each emulation to the value that its wrapper needs. ``further_requests`` are the requests of
    further calls that the same response is built from (several prompts in one request), also in the vendor's terms.
    ``added`` names the members of the vendor's body that banjia added; :func:`adapters.planning.plan_without` removes
    them. ``path`` is appended to the base URL.
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
    path: str = ""


Codec = Callable[[Plan], Make]
