"""The verdicts: what becomes of each parameter at a vendor, as a table that is total and that speaks.

A verdict is one of six words. ``honoured``: sent as it came. ``mapped``: renamed or said in other words. ``clamped``:
moved to the nearest value that the vendor takes. ``emulated``: made up for by us. ``dropped``: left out, because the
answer's meaning does not rest on it. ``refused``: a 400, because the caller would rely on it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import Adaptation as Adaptation  # noqa: PLC0414 - known from here to all who give verdicts
from adapters.core.adaptations import VerdictWord as VerdictWord  # noqa: PLC0414
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.message import SEMICOLON, Message, joined
from adapters.openai_params.operations import OPENAI_PARAMS
from adapters.rules.reasons import DEFAULT_LEFT_OUT, SENT_AS_IS, sent_as

NO_DESTINATION = Message("request fields cannot choose a destination or a credential")
NOT_OPENAI = Message("not an OpenAI parameter: sent unchanged")


def neutral(builder: RequestBuilder, name: str, value: Any) -> bool:
    """Whether the value asks for nothing beyond OpenAI's default."""
    param = OPENAI_PARAMS[builder.request.operation].get(name)
    return param is not None and value in param.neutral


@dataclass(frozen=True, slots=True)
class Honour:
    """Sent as it came."""

    why: Message = SENT_AS_IS
    words: tuple[VerdictWord, ...] = ("honoured",)

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        builder.body[name] = value
        builder.record(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Rename:
    """The same value under the vendor's name; an explicit field of that name wins."""

    to: str
    why: Message = Message("renamed")
    words: tuple[VerdictWord, ...] = ("mapped", "dropped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if builder.request.fields.get(self.to, value) != value:
            builder.record(name, "dropped", Message("the request also has {field}", field=self.to))
            return
        builder.body.setdefault(self.to, value)
        builder.record(name, "mapped", sent_as(self.to), quiet=True)


@dataclass(frozen=True, slots=True)
class Clamp:
    """Moved into the vendor's range; ``low`` and ``high`` are the nearest values that it takes."""

    low: float
    high: float
    why: Message
    words: tuple[VerdictWord, ...] = ("honoured", "clamped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        sent = min(max(value, self.low), self.high)
        builder.body[name] = sent
        if sent != value:
            builder.record(
                name,
                "clamped",
                Message("{why}: {value} was sent as {sent}", why=self.why, value=f"{value:g}", sent=f"{sent:g}"),
            )
        else:
            builder.record(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The model takes one value only: that one is sent, any other is dropped."""

    value: float
    why: Message
    words: tuple[VerdictWord, ...] = ("dropped", "honoured")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if value == self.value:
            builder.body[name] = value
            builder.record(name, "honoured", self.why)
        else:
            builder.record(name, "dropped", self.why)


@dataclass(frozen=True, slots=True)
class Within:
    """Sent where the vendor takes it; outside its range a 400, because the caller counts on the value."""

    low: float
    high: float
    why: Message
    words: tuple[VerdictWord, ...] = ("honoured", "refused")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if not self.low <= value <= self.high:
            builder.refuse(name, self.why)
        builder.body[name] = value
        builder.record(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Drop:
    """Left out: the meaning of the answer does not rest on it. A value that is the default anyway is no loss."""

    why: Message
    words: tuple[VerdictWord, ...] = ("dropped", "mapped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_LEFT_OUT)
        else:
            builder.record(name, "dropped", self.why)


@dataclass(frozen=True, slots=True)
class Refuse:
    """A 400: the caller would read or rely on it. A value that is the default anyway is left out instead."""

    why: Message
    words: tuple[VerdictWord, ...] = ("refused", "mapped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_LEFT_OUT)
        else:
            builder.refuse(name, self.why)


@dataclass(frozen=True, slots=True)
class Emulate:
    """Made up for by the wrapper of that name (``adapters/emulations``), which reads the value from ``Plan.emulate``.

    ``sent``: the vendor is told too, where it takes the field but does not all that OpenAI would.
    """

    by: str
    why: Message
    sent: bool = False
    words: tuple[VerdictWord, ...] = ("emulated", "mapped", "refused")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_LEFT_OUT)
            return
        builder.emulate(name, self.by, value, self.why)
        if self.sent:
            builder.body[name] = value


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What needs more than a value: a function that writes the field and tells. ``words`` lists what it may tell."""

    run: Callable[[str, Any, RequestBuilder], None]
    why: Message
    words: tuple[VerdictWord, ...] = ("honoured",)

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        self.run(name, value, builder)


@dataclass(frozen=True, slots=True)
class Choose:
    """Another verdict for other models: the first case whose test holds for the draft, else ``otherwise``."""

    cases: tuple[tuple[Callable[[RequestBuilder], bool], Verdict], ...]
    otherwise: Verdict

    def pick(self, builder: RequestBuilder) -> Verdict:
        """The verdict for this model and mode."""
        for holds, verdict in self.cases:
            if holds(builder):
                return verdict
        return self.otherwise

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        every = [word for _, verdict in self.cases for word in verdict.words] + list(self.otherwise.words)
        return tuple(dict.fromkeys(every))

    @property
    def why(self) -> Message:
        return joined(SEMICOLON, dict.fromkeys([v.why for _, v in self.cases] + [self.otherwise.why]))

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        self.pick(builder).apply(name, value, builder)


def by_family(cases: Mapping[str, Verdict], otherwise: Verdict) -> Choose:
    """A verdict by the model's family, as the catalog names it."""

    def is_family(family: str) -> Callable[[RequestBuilder], bool]:
        return lambda builder: builder.model.family == family

    return Choose(tuple((is_family(family), verdict) for family, verdict in cases.items()), otherwise)


def by_fact(fact: str, verdict: Verdict, otherwise: Verdict) -> Choose:
    """A verdict for the models whose catalog row says ``fact: true``."""
    return Choose(((lambda builder: bool(builder.model.facts.get(fact)), verdict),), otherwise)


def while_thinking(verdict: Verdict, otherwise: Verdict) -> Choose:
    """A verdict for requests that run with thinking on."""
    return Choose(((lambda builder: builder.thinks, verdict),), otherwise)


UNSAFE = frozenset(
    [
        "api_base",
        "api_key",
        "api_type",
        "api_version",
        "azure_endpoint",
        "base_url",
        "custom_llm_provider",
        "default_headers",
        "endpoint",
        "extra_headers",
        "headers",
        "host",
        "organization",
        "project",
        "proxies",
        "proxy",
        "user_config",
    ]
)
"""Members of a body that other gateways have let choose a destination or a credential. Never sent on."""


def apply(builder: RequestBuilder, params: Mapping[str, Verdict], order: Iterable[str]) -> None:
    """Write every field of the ask into the draft by its verdict; what no table knows is sent as it came.

    Raises Refused, naming the first field that can't be served.
    """
    fields, default_fields = builder.request.fields, builder.default_fields
    for name in order:
        value = fields[name]
        verdict = params.get(name)
        if default_fields and name in default_fields:
            _apply_default(builder, verdict or Honour(), name, value)
        elif verdict is not None:
            verdict.apply(name, value, builder)
        elif name in UNSAFE:
            builder.record(name, "dropped", NO_DESTINATION)
        else:
            builder.body[name] = value
            builder.record(name, "honoured", NOT_OPENAI)


def _apply_default(builder: RequestBuilder, verdict: Verdict, name: str, value: Any) -> None:
    """Apply a verdict to a field that the caller did not send: what it writes is an addition."""
    before = set(builder.body)
    verdict.apply(name, value, builder)
    builder.added += tuple(sorted(builder.body.keys() - before))
