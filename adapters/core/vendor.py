"""What a vendor is: a name, hosts, a way to sign, and for each operation a table of verdicts and of failures."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from adapters.core.auth import Auth
from adapters.core.completions import again_without
from adapters.core.exchange import Make
from adapters.core.failures import Refused, Rule
from adapters.core.functions import as_tools, is_legacy, of_functions
from adapters.core.params import Draft, Told, Verdict, apply
from adapters.core.shapes import Ask, Model, Operation, Reworded
from adapters.core.thinking import MEMBERS, Dial, settle, wish

ThinkingPolicy = Literal["auto", "vendor", "off"]


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
    failures: tuple[Rule, ...] = ()
    own_tool_ids: bool = False
    choice_members: frozenset[str] = frozenset()
    max_inputs: Callable[[Model], int | None] = lambda model: None
    finish: Callable[[Draft], None] = lambda draft: None


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: all that is needed to talk to it but a key.

    ``base_urls`` maps a region to the prefix an OpenAI SDK would be given; ``key_names`` are the environment variables
    that hold its key, the usual first; ``dial`` is how its models are told to think or not; ``hides`` is a pattern of
    what its messages say of the operator's account, which is no caller's business. A vendor that has had several
    OpenAI-shaped APIs side by side is the usual one of them, called ``usual_edition``; the others are its ``editions``
    by name, and each of these knows its own as ``edition``. ``transparent``: a server of which nothing is known but its
    wire, so that requests go out as they came, also where OpenAI's own service would refuse a value that its description
    allows.
    """

    name: str
    title: str
    base_urls: Mapping[str, str]
    auth: Auth
    key_names: tuple[str, ...]
    operations: Mapping[Operation, Op]
    docs: str
    dial: Dial | None = None
    hides: str | None = None
    edition: str | None = None
    usual_edition: str | None = None
    editions: Mapping[str, "Vendor"] = field(default_factory=dict)
    transparent: bool = False

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
    overlay: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    without: frozenset[str] = frozenset()  # the emulations that the operator has switched off
    drop: frozenset[str] = frozenset()
    width: int | None = None
    thinking: ThinkingPolicy = "auto"
    messages: Verdict | None = None
    report_model: Literal["requested", "vendor"] = "requested"
    emulated: bool = False  # one of our own emulators, started by us: its answers are marked
    label: str = field(init=False)  # ``entry/model``, as the configuration and ``x-banjia-target`` spell it
    removed: tuple[str, ...] = field(init=False)  # what ``overlay`` leaves out

    def __post_init__(self) -> None:
        label = f"{self.entry}/{self.model.id}"
        object.__setattr__(self, "label", f"emulator:{label}" if self.emulated else label)
        object.__setattr__(self, "removed", tuple(name for name, value in self.overlay.items() if value is None))


class Plan(NamedTuple):
    """A request made ready for one target: the ask in the vendor's terms, and what became of every field.

    ``emulate`` names what wrappers have to make up for, with the value that each one needs. ``more`` are the asks of
    the further calls that the answer is gathered from (several prompts in one request), in the vendor's terms too.
    ``added`` names the members of the vendor's body that the request does not ask for: :func:`plan_without` leaves them out.
    """

    ask: Ask
    target: Target
    op: Op
    told: Mapping[str, Told]
    thinks: bool
    tool_names: Mapping[str, str]
    emulate: Mapping[str, Any]
    more: tuple[Ask, ...] = ()
    added: tuple[str, ...] = ()


Codec = Callable[[Plan], Make]


def check_room(fields: Mapping[str, Any]) -> None:
    """No answer fits into no tokens. OpenAI's description allows it and its service refuses it. Raises Refused."""
    if fields.get("max_tokens") == 0:
        wrong = "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead."
        raise Refused("max_tokens", wrong, code=None)


FIRST = ("tools", "messages", "input")
"""Fields whose verdicts others look at, applied before the rest: earlier calls in the messages name renamed tools."""


MOST_CHOICES = 16
"""Choices that are gathered from a call each, at most: a request that is tried again makes all its calls again."""
MOST_CALLS = 64
"""Calls that one answer is gathered from, at most: twenty prompts, a usual batch, with three choices each."""


def plan(ask: Ask, target: Target) -> Plan:
    """The request in the terms of this target. Pure. Raises Refused where the target can't serve it.

    A field of ``target.drop`` is left out where it would be refused, unless its value is one that no vendor takes.
    """
    removed = target.removed  # a front may have refused one of them
    if not (removed or target.drop):
        return _plan(ask, target)
    dropped: dict[str, Told] = {}
    while True:
        try:
            made = _plan(ask, target)
        except Refused as refused:
            name = _field(refused.param)
            named = name in removed or (name in target.drop and refused.code is not None)
            smaller = _without(ask, name) if named else None
            if smaller is None:
                raise
            ask = smaller
            why = f"left out by policy.drop: {refused.message}"
            dropped[name] = LEFT_OUT if name in removed else Told("dropped", why)
        else:
            return made._replace(told={**made.told, **dropped}) if dropped else made


def _field(param: str) -> str:
    """The field of a request that a ``param`` such as ``tools[0].function`` is about."""
    return param.partition(".")[0].partition("[")[0]


def _without(ask: Ask, name: str) -> Ask | None:
    """The request without a field, also as it was asked before a front reworded it; None if it has no such field."""
    reworded = ask.reworded
    if reworded is None or reworded.native is None:
        return ask.but(_rest(ask.fields, name)) if name in ask.fields else None
    if name not in ask.fields and name not in reworded.native.fields:
        return None
    native = reworded.native.but(_rest(reworded.native.fields, name))
    if reworded.refused is not None:
        return again_without(native)
    return ask.but(_rest(ask.fields, name))._replace(reworded=reworded._replace(native=native))


def _rest(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in fields.items() if other != name}


def _plan(ask: Ask, target: Target) -> Plan:
    if ask.reworded is not None:
        ask = _said_to(ask, ask.reworded, target)
    made = _planned(ask, target)
    if ask.reworded is None and not made.emulate:
        return made
    variants = () if ask.reworded is None else ask.reworded.variants
    _count(made, 1 + len(variants))
    if not variants:
        return made
    more = tuple(_planned(ask.but({**ask.fields, **variant}), target).ask for variant in variants)
    return made._replace(more=more)


def _said_to(ask: Ask, reworded: Reworded, target: Target) -> Ask:
    """The request as it was asked, where the vendor has that operation itself. Raises Refused where it had to have it."""
    native = reworded.native
    if native is not None and native.operation in target.vendor.operations:
        return native
    if reworded.refused is not None:
        raise reworded.refused
    return ask


def _count(made: Plan, prompts: int) -> None:
    """Raise Refused where the answer would take too many calls."""
    choices, model = made.emulate.get("n", 1), made.target.model.id
    if choices > MOST_CHOICES:
        why = f"a call is made for each choice, and at most {MOST_CHOICES} are made so"
        raise Refused("n", f"'n' is not supported by {model}: {why}.")
    if choices * prompts > MOST_CALLS:
        why = f"a call is made for each prompt and choice, and at most {MOST_CALLS} are made for one request"
        raise Refused("prompt", f"'prompt' is not supported by {model}: {why}. Send fewer prompts at once.")


def _planned(ask: Ask, target: Target) -> Plan:
    op = target.vendor.operations[ask.operation]
    leaning = wish(target.defaults) if target.defaults else None
    ours: frozenset[str] = frozenset()
    sent = ask.fields
    if target.overlay or target.defaults:
        defaults = {name: value for name, value in target.defaults.items() if name not in MEMBERS}
        ours = frozenset(defaults.keys() - ask.fields.keys() - target.overlay.keys())
        ask = ask.but({**defaults, **ask.fields, **target.overlay})
        if target.removed:
            ask = ask.but({name: value for name, value in ask.fields.items() if value is not None})
    draft = Draft(ask, target.model, strict=target.strict, without=target.without, ours=ours)
    if ask.reworded is not None:
        draft.told.update(ask.reworded.told)
        draft.ours |= ask.reworded.added - target.overlay.keys()
    if target.vendor.transparent:
        return _written(draft, target, op, leaning, sent)
    check_room(ask.fields)
    if ask.operation != "chat" or not is_legacy(ask.fields):
        return _written(draft, target, op, leaning, sent)
    as_tools(draft, one_at_a_time="honoured" in op.params["parallel_tool_calls"].words)
    try:
        return _written(draft, target, op, leaning, sent)
    except Refused as refused:
        raise of_functions(refused, ask.fields) from None


def _written(draft: Draft, target: Target, op: Op, leaning: bool | None, sent: Mapping[str, Any]) -> Plan:
    ask, vendor = draft.ask, target.vendor
    removed, policy = target.removed, target.thinking
    if removed and not set(MEMBERS).isdisjoint(removed):
        policy = "vendor"
    fields = dict(ask.fields) if vendor.transparent else settle(draft, vendor.dial, policy, leaning)
    draft.ask = ask.but(fields)
    order = [name for name in FIRST if name in fields]
    order += [name for name in fields if name not in FIRST]
    params = op.params
    if target.messages is not None and ask.operation == "chat":
        params = {**params, "messages": target.messages}
    apply(draft, params, order)
    draft.body["model"] = target.model.id
    op.finish(draft)
    if removed:
        _remove(draft, removed, sent)
    if target.width is not None:
        _tell_width(draft, target, target.width, sent)
    ask = draft.ask.but(draft.body)
    return Plan(ask, target, op, draft.told, draft.thinks, draft.tool_names, draft.emulate, (), draft.added)


def _remove(draft: Draft, names: Collection[str], sent: Mapping[str, Any]) -> None:
    """Take out what the operator's ``set`` has as null, also where banjia would add it. What the caller sent is reported as dropped."""
    for name in names:
        draft.body.pop(name, None)
        draft.told.pop(name, None)
        if name in sent:
            draft.told[name] = LEFT_OUT
    draft.added = tuple(name for name in draft.added if name in draft.body)


LEFT_OUT = Told("dropped", "the configuration leaves it out (set)")


def _tell_width(draft: Draft, target: Target, width: int, sent: Mapping[str, Any]) -> None:
    """Report vectors that are not as wide as OpenAI's under this name, unless the request asks for a width."""
    sizes = target.model.facts.get("dimensions") or (None,)
    given = draft.body.get("dimensions", sizes[0])
    if given is None or given == width or ("dimensions" in sent and "dimensions" not in target.overlay):
        return
    why = f"the model gives vectors of {given} numbers, and OpenAI's have {width}"
    if "dimensions" in target.overlay:  # the operator means it: no reason to refuse under strict
        draft.tell("dimensions", "mapped", why)
    else:
        draft.tell("dimensions", "clamped", why)


def plan_without(ask: Ask, target: Target, fields: Collection[str]) -> Plan:
    """The plan for a target that refuses these members, which banjia adds by itself. Pure. Raises Refused.

    A member that the caller sent stays. Without its switch, the model thinks or not as it does by itself.
    """
    switched = not set(MEMBERS).isdisjoint(fields)
    made = plan(ask, replace(target, thinking="vendor") if switched else target)
    left_out = [name for name in fields if name in made.added]
    refused = {name: REFUSED for name in fields if name in left_out and name in made.told}
    if switched:
        refused["thinking"] = REFUSED

    def bare(ask: Ask) -> Ask:
        return ask.but({name: value for name, value in ask.fields.items() if name not in left_out})

    return made._replace(
        ask=bare(made.ask),
        target=target,
        told={**made.told, **refused},
        more=tuple(map(bare, made.more)),
        added=tuple(name for name in made.added if name not in left_out),
    )


REFUSED = Told("dropped", "the vendor refuses it, and it was not asked for")
