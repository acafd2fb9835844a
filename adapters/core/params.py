"""The verdicts: what becomes of each parameter at a vendor, as a table that is total and that speaks.

A verdict is one of six words. ``honoured``: sent as it came. ``mapped``: renamed or said in other words. ``clamped``:
moved to the nearest value that the vendor takes. ``emulated``: made up for by us. ``dropped``: left out, because the
answer's meaning does not rest on it. ``refused``: a 400, because the caller would rely on it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

from adapters.core.failures import Refused
from adapters.core.shapes import Ask, Model
from adapters.core.shapes import Told as Told  # noqa: PLC0414 - known from here to all who give verdicts
from adapters.core.shapes import Word as Word  # noqa: PLC0414
from adapters.core.surface import SURFACE


@dataclass(slots=True)
class Draft:
    """The vendor's body as it is being written, and what has been said of each field so far."""

    ask: Ask
    model: Model
    thinks: bool = False
    strict: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    tool_names: dict[str, str] = field(default_factory=dict)  # the vendor's name -> the caller's
    renamed: dict[str, str] | None = None  # the caller's name -> the vendor's; None: no tool is renamed
    emulate: dict[str, Any] = field(default_factory=dict)  # what a wrapper makes up for -> the value it needs
    without: frozenset[str] = frozenset()  # the emulations that the operator has switched off
    ours: frozenset[str] = frozenset()  # fields of the ask that a stand-in brought, and not the caller
    added: tuple[
        str, ...
    ] = ()  # members of the body that the request does not ask for: left out where the vendor refuses them

    def add(self, name: str, value: Any) -> None:
        """Write a member that no field of the request asks for, unless the caller sent it too."""
        if name not in self.body and name not in self.ask.fields and name not in self.added:
            self.added += (name,)
        self.body[name] = value

    def tell(self, name: str, word: Word, why: str, *, quiet: bool = False) -> None:
        """Record a verdict. Raises Refused for ``refused``, and under ``strict`` also for dropped and clamped."""
        if word == "refused" or (self.strict and word in ("dropped", "clamped")):
            strictly = "" if word == "refused" else f" (it would be {word}, and the policy is strict)"
            raise Refused(name, f"'{name}' is not supported by {self.model.id}: {why}{strictly}.")
        before = self.told.get(name)
        if before is None or before.word == "honoured" or before.quiet:
            self.told[name] = Told(word, why, quiet)

    def rename_tool(self, ours: str, theirs: str) -> None:
        """Offer a tool under a name that the vendor takes."""
        self.tool_names[theirs] = ours
        if self.renamed is None:
            self.renamed = {}
        self.renamed.setdefault(ours, theirs)

    def refuse(self, name: str, why: str) -> None:
        """Raise Refused, naming the field."""
        self.tell(name, "refused", why)

    def make_up(self, name: str, by: str, value: Any, why: str) -> None:
        """Leave the field to the wrapper ``by``. Raises Refused where the operator has switched that emulation off."""
        if by in self.without:
            self.refuse(name, f"{why}, which policy.emulate switches off here (emulate: {{{by}: on}} brings it back)")
        self.emulate[by] = value
        self.tell(name, "emulated", why)


class Verdict(Protocol):
    """One cell of a vendor's table."""

    @property
    def words(self) -> tuple[Word, ...]:
        """The words that it may come to, the usual one first."""
        ...

    @property
    def why(self) -> str:
        """The reason, for ``explain`` and the docs."""
        ...

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        """Write the field into the draft, or not, and tell."""
        ...


def neutral(draft: Draft, name: str, value: Any) -> bool:
    """Whether the value asks for nothing beyond OpenAI's default."""
    param = SURFACE[draft.ask.operation].get(name)
    return param is not None and value in param.neutral


@dataclass(frozen=True, slots=True)
class Honour:
    """Sent as it came."""

    why: str = "sent as it came"
    words: tuple[Word, ...] = ("honoured",)

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        draft.body[name] = value
        draft.tell(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Rename:
    """The same value under the vendor's name; an explicit field of that name wins."""

    to: str
    why: str = "renamed"
    words: tuple[Word, ...] = ("mapped", "dropped")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if draft.ask.fields.get(self.to, value) != value:
            draft.tell(name, "dropped", f"the request has a {self.to} of its own")
            return
        draft.body.setdefault(self.to, value)
        draft.tell(name, "mapped", f"sent as {self.to}", quiet=True)


@dataclass(frozen=True, slots=True)
class Clamp:
    """Moved into the vendor's range; ``low`` and ``high`` are the nearest values that it takes."""

    low: float
    high: float
    why: str
    words: tuple[Word, ...] = ("honoured", "clamped")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        sent = min(max(value, self.low), self.high)
        draft.body[name] = sent
        if sent != value:
            draft.tell(name, "clamped", f"{self.why}: {value:g} was sent as {sent:g}")
        else:
            draft.tell(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The model takes one value only: that one is sent, any other is dropped."""

    value: float
    why: str
    words: tuple[Word, ...] = ("dropped", "honoured")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if value == self.value:
            draft.body[name] = value
            draft.tell(name, "honoured", self.why)
        else:
            draft.tell(name, "dropped", self.why)


@dataclass(frozen=True, slots=True)
class Within:
    """Sent where the vendor takes it; outside its range a 400, because the caller counts on the value."""

    low: float
    high: float
    why: str
    words: tuple[Word, ...] = ("honoured", "refused")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if not self.low <= value <= self.high:
            draft.refuse(name, self.why)
        draft.body[name] = value
        draft.tell(name, "honoured", self.why)


@dataclass(frozen=True, slots=True)
class Drop:
    """Left out: the meaning of the answer does not rest on it. A value that is the default anyway is no loss."""

    why: str
    words: tuple[Word, ...] = ("dropped", "mapped")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if neutral(draft, name, value):
            draft.tell(name, "mapped", "the default, said by leaving it out")
        else:
            draft.tell(name, "dropped", self.why)


@dataclass(frozen=True, slots=True)
class Refuse:
    """A 400: the caller would read or rely on it. A value that is the default anyway is left out instead."""

    why: str
    words: tuple[Word, ...] = ("refused", "mapped")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if neutral(draft, name, value):
            draft.tell(name, "mapped", "the default, said by leaving it out")
        else:
            draft.refuse(name, self.why)


@dataclass(frozen=True, slots=True)
class Emulate:
    """Made up for by the wrapper of that name (``adapters/emulations``), which reads the value from ``Plan.emulate``.

    ``sent``: the vendor is told too, where it takes the field but does not all that OpenAI would.
    """

    by: str
    why: str
    sent: bool = False
    words: tuple[Word, ...] = ("emulated", "mapped", "refused")

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        if neutral(draft, name, value):
            draft.tell(name, "mapped", "the default, said by leaving it out")
            return
        draft.make_up(name, self.by, value, self.why)
        if self.sent:
            draft.body[name] = value


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What needs more than a value: a function that writes the field and tells. ``words`` lists what it may tell."""

    run: Callable[[str, Any, Draft], None]
    why: str
    words: tuple[Word, ...] = ("honoured",)

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        self.run(name, value, draft)


@dataclass(frozen=True, slots=True)
class Choose:
    """Another verdict for other models: the first case whose test holds for the draft, else ``otherwise``."""

    cases: tuple[tuple[Callable[[Draft], bool], Verdict], ...]
    otherwise: Verdict

    def pick(self, draft: Draft) -> Verdict:
        """The verdict for this model and mode."""
        for holds, verdict in self.cases:
            if holds(draft):
                return verdict
        return self.otherwise

    @property
    def words(self) -> tuple[Word, ...]:
        every = [word for _, verdict in self.cases for word in verdict.words] + list(self.otherwise.words)
        return tuple(dict.fromkeys(every))

    @property
    def why(self) -> str:
        return "; ".join(dict.fromkeys([v.why for _, v in self.cases] + [self.otherwise.why]))

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        self.pick(draft).apply(name, value, draft)


def by_family(cases: Mapping[str, Verdict], otherwise: Verdict) -> Choose:
    """A verdict by the model's family, as the catalog names it."""

    def is_family(family: str) -> Callable[[Draft], bool]:
        return lambda draft: draft.model.family == family

    return Choose(tuple((is_family(family), verdict) for family, verdict in cases.items()), otherwise)


def by_fact(fact: str, verdict: Verdict, otherwise: Verdict) -> Choose:
    """A verdict for the models whose catalog row says ``fact: true``."""
    return Choose(((lambda draft: bool(draft.model.facts.get(fact)), verdict),), otherwise)


def while_thinking(verdict: Verdict, otherwise: Verdict) -> Choose:
    """A verdict for requests that run with thinking on."""
    return Choose(((lambda draft: draft.thinks, verdict),), otherwise)


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


def apply(draft: Draft, params: Mapping[str, Verdict], order: Iterable[str]) -> None:
    """Write every field of the ask into the draft by its verdict; what no table knows is sent as it came.

    Raises Refused, naming the first field that can't be served.
    """
    fields, ours = draft.ask.fields, draft.ours
    for name in order:
        value = fields[name]
        verdict = params.get(name)
        if ours and name in ours:
            _apply_ours(draft, verdict or Honour(), name, value)
        elif verdict is not None:
            verdict.apply(name, value, draft)
        elif name in UNSAFE:
            draft.tell(name, "dropped", "no field of a request chooses a destination or a credential")
        else:
            draft.body[name] = value
            draft.tell(name, "honoured", "not one of OpenAI's: handed on as it came")


def _apply_ours(draft: Draft, verdict: Verdict, name: str, value: Any) -> None:
    """Apply a verdict to a field that the caller did not send: what it writes is an addition."""
    before = set(draft.body)
    verdict.apply(name, value, draft)
    draft.added += tuple(sorted(draft.body.keys() - before))


def header(told: Mapping[str, Told], limit: int = 1024) -> str | None:
    """``x-banjia-adapted``: ``field[.sub]=word`` sorted and joined by ``;``, ASCII, at most ``limit`` bytes.

    Honoured fields and plain renames are left out; what does not fit is counted as ``more=N``. None if all is left out.
    """
    parts = sorted([f"{_ascii(name)}={t.word}" for name, t in told.items() if t.word != "honoured" and not t.quiet])
    if not parts:
        return None
    text = ";".join(parts)
    kept = len(parts)
    while len(text) > limit:
        kept -= 1
        text = ";".join([*parts[:kept], f"more={len(parts) - kept}"])
    return text


@lru_cache(maxsize=4096)
def _ascii(name: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "?" for c in name)
