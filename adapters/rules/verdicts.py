"""The verdicts of which a vendor's table is made: one per parameter, each with its reason.

A verdict is one of six words. ``honoured``: sent unchanged. ``mapped``: renamed, or expressed in another way.
``clamped``: moved to the nearest value that the vendor accepts. ``emulated``: done by banjia instead of the vendor.
``dropped``: omitted, because the meaning of the answer does not depend on it. ``refused``: a 400, because the client
would rely on it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import Adaptation as Adaptation  # noqa: PLC0414 - exported for modules with verdicts
from adapters.core.adaptations import VerdictWord as VerdictWord  # noqa: PLC0414
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.message import SEMICOLON, Message, joined
from adapters.openai_params.operations import OPERATIONS
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS, sent_as

NO_DESTINATION = Message("request fields cannot choose a destination or a credential")
NOT_OPENAI = Message("not an OpenAI parameter: sent unchanged")


def neutral(builder: RequestBuilder, name: str, value: Any) -> bool:
    """Whether the value requests nothing beyond OpenAI's default."""
    param = OPERATIONS[builder.request.operation].params.get(name)
    return param is not None and value in param.neutral


Condition = Callable[[RequestBuilder], bool]
"""A test of a request for one model: a row of the catalog has a fact, the request runs with thinking on."""


def has(fact: str) -> Condition:
    """Return the condition that the model's catalog row has ``fact: true``."""
    return lambda builder: bool(builder.model.facts.get(fact))


def lacks(fact: str) -> Condition:
    """Return the condition that the model's catalog row does not have ``fact: true``."""
    return lambda builder: not builder.model.facts.get(fact)


def of_family(*families: str) -> Condition:
    """Return the condition that the model belongs to one of these families of the catalog."""
    return lambda builder: builder.model.family in families


def thinks(builder: RequestBuilder) -> bool:
    """Whether the request runs with thinking on."""
    return builder.thinks


def always(builder: RequestBuilder) -> bool:
    """Return True: the condition of every request."""
    return True


def never(builder: RequestBuilder) -> bool:
    """Return False: the condition of no request."""
    return False


@dataclass(frozen=True, slots=True)
class Honour:
    """Send the value unchanged."""

    why: Message = SENT_AS_IS
    words: tuple[VerdictWord, ...] = ("honoured",)

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        builder.body[name] = value
        if name in builder.adaptations:
            builder.record(name, "honoured", self.why)
        else:  # the usual case: the first verdict on the field, and a word that strict never refuses
            builder.adaptations[name] = Adaptation("honoured", self.why)


@dataclass(frozen=True, slots=True)
class Rename:
    """Send the value under the vendor's name; an explicit field of that name takes precedence."""

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
    """Move the value into the vendor's range; ``low`` and ``high`` are the lowest and highest value it accepts.

    ``decimals``: how many it may have; None for any number.
    """

    low: float
    high: float
    why: Message
    words: tuple[VerdictWord, ...] = ("honoured", "clamped")
    decimals: int | None = None

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        sent = value if self.decimals is None else round(value, self.decimals)
        sent = min(max(sent, self.low), self.high)
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
    """Send the only value that the model accepts; drop any other."""

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
    """Send a value in the vendor's range; refuse others, because the client relies on the value."""

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
    """Omit the field: the meaning of the answer does not depend on it. A default value is mapped instead of dropped."""

    why: Message
    words: tuple[VerdictWord, ...] = ("dropped", "mapped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_OMITTED)
        else:
            builder.record(name, "dropped", self.why)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse the field with a 400: the client would rely on it. A default value is omitted instead."""

    why: Message
    words: tuple[VerdictWord, ...] = ("refused", "mapped")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_OMITTED)
        else:
            builder.refuse(name, self.why)


@dataclass(frozen=True, slots=True)
class Emulate:
    """Leave the field to the wrapper ``by`` (``adapters/emulations``), which reads the value from ``Plan.emulations``.

    ``sent``: also send the field, to a vendor that accepts it but does not implement all of it.
    """

    by: str
    why: Message
    sent: bool = False
    words: tuple[VerdictWord, ...] = ("emulated", "mapped", "refused")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        if neutral(builder, name, value):
            builder.record(name, "mapped", DEFAULT_OMITTED)
            return
        builder.emulate(name, self.by, value, self.why)
        if self.sent:
            builder.body[name] = value


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Call a function that writes the field and records the verdict. ``words`` lists the verdicts it may record."""

    run: Callable[[str, Any, RequestBuilder], None]
    why: Message
    words: tuple[VerdictWord, ...] = ("honoured",)

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        self.run(name, value, builder)


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose a verdict: that of the first case whose test is true for the builder, else ``otherwise``."""

    cases: tuple[tuple[Callable[[RequestBuilder], bool], Verdict], ...]
    otherwise: Verdict

    def pick(self, builder: RequestBuilder) -> Verdict:
        """Return the verdict for this request, model and thinking mode."""
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
    """Choose a verdict by the model's family in the catalog."""
    return Choose(tuple((of_family(family), verdict) for family, verdict in cases.items()), otherwise)


def by_fact(fact: str, verdict: Verdict, otherwise: Verdict) -> Choose:
    """Choose ``verdict`` for models whose catalog row has ``fact: true``."""
    return Choose(((has(fact), verdict),), otherwise)


def while_thinking(verdict: Verdict, otherwise: Verdict) -> Choose:
    """Choose ``verdict`` for requests that run with thinking on."""
    return Choose(((thinks, verdict),), otherwise)


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
"""Members of a body that choose a destination or a credential at other gateways. Never sent to a vendor."""


FIRST_FIELDS = dict.fromkeys(("tools", "messages", "input"))
"""Fields that are applied first, because other verdicts depend on them: calls in the messages name renamed tools."""


def apply(builder: RequestBuilder, params: Mapping[str, Verdict]) -> None:
    """Apply the verdict of every field of the request to the builder; send fields that no table has unchanged.

    Raises Refused for the first field that the target can't serve.
    """
    fields, default_fields = builder.request.fields, builder.default_fields
    for name, value in {**FIRST_FIELDS, **fields}.items():
        if name not in fields:
            continue
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
    """Apply a verdict to a field that the client did not send: what it writes counts as added."""
    before = set(builder.body)
    verdict.apply(name, value, builder)
    builder.added += tuple(sorted(builder.body.keys() - before))
