"""Decides whether a request runs with thinking on, and writes the vendor's switch.

A 2024 app does not expect thinking: under the name of a non-reasoning model it expects an immediate answer, and with a
small token limit a thinking model returns nothing and bills the tokens. ``auto`` therefore turns thinking off there. A
small limit of a model that always thinks is raised instead, if it covers the thinking.
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.builder import RequestBuilder
from adapters.core.message import EMPTY, Message
from adapters.core.vendor import Conflict, ReasoningSwitch
from adapters.rules.reasons import ALWAYS_THINKS, NEVER_THINKS, NO_SUCH_SWITCH

NON_REASONING_PREFIXES = ("gpt-", "chatgpt-", "text-", "davinci-", "babbage-")
"""Prefixes of OpenAI's names of non-reasoning models, except those in REASONING_PREFIXES."""
REASONING_PREFIXES = ("gpt-5", "gpt-6")
"""Prefixes of OpenAI's gpt names of reasoning models; the o series has a prefix of its own."""

SMALL_LIMIT = 1024
"""With a smaller limit, in tokens, a thinking model may spend all of them before the answer begins."""

ROOM = 8192
"""The tokens that are added to a smaller limit of a model that always thinks: banjia's choice."""

AS_REQUESTED = Message("as requested")
AS_REQUESTED_MODEL = Message("same as the requested model")
TURNED_OFF = Message("thinking disabled by policy.thinking")
NOT_REASONING_MODEL = Message("thinking disabled: the requested model is not a reasoning model")
NO_ROOM = Message(
    "thinking disabled: a limit below {limit} tokens would leave no room for an answer", limit=SMALL_LIMIT
)

THINK_TAGS = "think_tags"
"""The emulation, and the fact in a model's catalog row: its text begins with its reasoning, between <think> and </think>."""
BOX_MARKS = "box_marks"
"""The emulation, and the fact: its text has marks around the final answer."""

LIMITS = ("max_tokens", "max_completion_tokens")
SWITCH_FIELDS = ("thinking", "enable_thinking")
"""Members that switch thinking at any vendor: a request may have been written for another vendor."""


def requested_thinking(fields: Mapping[str, Any]) -> bool | None:
    """Return whether the request turns thinking on or off, in any vendor's fields; None if it does neither."""
    thinking = fields.get("thinking")
    if type(thinking) is dict:
        thinking = thinking.get("type")
    if thinking in ("enabled", "adaptive", "disabled"):
        return bool(thinking != "disabled")
    if type(fields.get("enable_thinking")) is bool:
        return bool(fields["enable_thinking"])
    effort = fields.get("reasoning_effort")
    if type(effort) is str:
        return effort not in ("none", "minimal")
    return None


def resolve_thinking(
    builder: RequestBuilder, switch: ReasoningSwitch | None, policy: str, default_thinking: bool | None = None
) -> Mapping[str, Any]:
    """Decide whether this request thinks, write the vendor's switch, and return the fields still to be judged.

    The returned fields have no members of SWITCH_FIELDS; the vendor's own object is sent unchanged. If the catalog
    marks the model's default as uncertain (fact ``default_unsure``), the switch is sent even if it equals the default.
    ``default_thinking`` is a stand-in's setting for requests that do not switch thinking: what the requested model would
    have done.
    """
    fields = builder.request.fields
    requested = requested_thinking(fields)
    mode = builder.model.thinking
    builder.thinks = mode in ("always", "default_on")
    switches: dict[str, Any] = {}
    if not fields.keys().isdisjoint(SWITCH_FIELDS):
        fields = dict(fields)
        switches = {name: fields.pop(name) for name in SWITCH_FIELDS if name in fields}
    if switch is None or mode in ("never", "always"):
        _record_fixed(builder, switches, requested)
        if switch is not None and mode == "always" and switch.shared_limit and policy != "vendor":
            return _with_room(builder, fields)
        return fields
    wanted, why = (
        (requested, AS_REQUESTED)
        if requested is not None
        else _policy_decision(builder, switch, policy, fields, default_thinking)
    )
    prevented = None
    if switch.prevents and (wanted or (wanted is None and builder.thinks)):
        prevented = _conflict(switch.prevents, builder)
    if prevented:
        return _disable(builder, switch, switches, fields, prevented)
    if wanted is None and switches:
        _send_own(builder, switch, switches)
        return fields
    sure = not builder.model.facts.get("default_unsure")
    if wanted is None or (wanted == builder.thinks and sure and not switches):
        return fields
    builder.thinks = wanted
    switch.set(builder, wanted)
    if policy != "off" and (requested is None or _only_defaults_switch(builder)):
        builder.added += tuple(builder.body)
    for name in switches or ("thinking",):
        own = name in switches and type(switches[name]) is not str and name in builder.body
        if own:
            builder.body[name] = switches[name]  # the vendor's own object, with all its members
        builder.record(name, "honoured" if own else "mapped", why)
    return fields


def _send_own(builder: RequestBuilder, switch: ReasoningSwitch, switches: Mapping[str, Any]) -> None:
    """Send the vendor's own object unchanged if it switches thinking neither on nor off, such as ``{"type": "auto"}``."""
    probe = RequestBuilder(builder.request, builder.model)
    switch.set(probe, True)
    for name, value in switches.items():
        if name in probe.body and type(value) is dict:
            builder.body[name] = value
            builder.record(name, "honoured", AS_REQUESTED)
        else:
            builder.record(name, "dropped", NO_SUCH_SWITCH)


def _only_defaults_switch(builder: RequestBuilder) -> bool:
    """Whether only a stand-in's defaults switch thinking, and not the request."""
    return (
        bool(builder.default_fields)
        and requested_thinking({k: v for k, v in builder.request.fields.items() if k not in builder.default_fields})
        is None
    )


def _disable(
    builder: RequestBuilder,
    switch: ReasoningSwitch,
    switches: Mapping[str, Any],
    fields: Mapping[str, Any],
    why: Message,
) -> Mapping[str, Any]:
    """Run the request without thinking, although the request or the model's default turns it on."""
    if builder.thinks:
        switch.set(builder, False)
        builder.added += tuple(builder.body)
    builder.thinks = False
    for name, value in switches.items():
        if requested_thinking({name: value}) is False:
            builder.record(name, "mapped", AS_REQUESTED)
        else:
            builder.record(name, "dropped", why)
    if not switches:
        builder.record("thinking", "mapped", why)
    return fields


def _record_fixed(builder: RequestBuilder, switches: Mapping[str, Any], requested: bool | None) -> None:
    """Record the switches for a model that has none: mapped if they match what it does anyway, else dropped."""
    why = ALWAYS_THINKS if builder.thinks else NEVER_THINKS
    for name in switches:
        if requested is builder.thinks:
            builder.record(name, "mapped", why)
        else:
            builder.record(name, "dropped", why)


def _with_room(builder: RequestBuilder, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields with ROOM added to small limits, for a model whose thinking can't be turned off.

    It would spend a small limit on thinking, and return and bill an empty answer.
    """
    raised = {name: fields[name] + ROOM for name in LIMITS if is_small(fields.get(name))}
    if not raised:
        return fields
    for name, sent in raised.items():
        why = Message(
            "the model always thinks, and the limit covers its thinking: {value} is sent as {sent}, so that there is room for an answer",
            value=fields[name],
            sent=sent,
        )
        if name in builder.default_fields:  # the client did not send it: no reason to refuse under strict
            builder.adaptations[name] = Adaptation("mapped", why)
        else:
            builder.record(name, "clamped", why)
    return {**fields, **raised}


def find_marks(builder: RequestBuilder) -> None:
    """Leave what a model writes into its text besides the answer to the wrapper ``think_tags``."""
    facts = builder.model.facts
    for name in (THINK_TAGS, BOX_MARKS):
        if facts.get(name):
            builder.emulations[name] = True


def is_small(limit: Any) -> bool:
    """Whether a token limit leaves a thinking model little room for an answer."""
    return type(limit) is int and limit < SMALL_LIMIT


def _policy_decision(
    builder: RequestBuilder,
    switch: ReasoningSwitch,
    policy: str,
    fields: Mapping[str, Any],
    default_thinking: bool | None,
) -> tuple[bool | None, Message]:
    """Apply ``policy.thinking`` to a request that does not switch thinking; None leaves it to the model."""
    if policy == "vendor":
        return None, EMPTY
    if policy == "off":
        return False, TURNED_OFF
    if _plain_openai_name(builder.request.model):
        return False, NOT_REASONING_MODEL
    if _small(fields):
        return False, NO_ROOM
    if builder.thinks if default_thinking is None else default_thinking:
        for name, conflict in switch.excludes.items():
            why = conflict(fields[name], builder) if name in fields else None
            if why:
                return False, why
    return default_thinking, AS_REQUESTED_MODEL


def _conflict(conflicts: tuple[Conflict, ...], builder: RequestBuilder) -> Message | None:
    """Return the reason of the first conflict of a request with thinking; None if there is none."""
    for conflict in conflicts:
        why = conflict(builder)
        if why:
            return why
    return None


def _plain_openai_name(name: str) -> bool:
    return name.startswith(NON_REASONING_PREFIXES) and not name.startswith(REASONING_PREFIXES)


def _small(fields: Mapping[str, Any]) -> bool:
    return any(map(is_small, map(fields.get, LIMITS)))
