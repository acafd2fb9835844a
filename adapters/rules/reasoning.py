"""Decides whether a request runs with thinking on, and writes the vendor's switch.

A 2024 app does not expect thinking: under the name of a non-reasoning model it expects an immediate answer, and with a
small token limit a thinking model returns nothing and bills the tokens. ``auto`` therefore turns thinking off there.
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.builder import RequestBuilder
from adapters.core.message import EMPTY, Message
from adapters.core.vendor import Conflict, ReasoningSwitch
from adapters.rules.reasons import ALWAYS_THINKS, NEVER_THINKS

NON_REASONING_PREFIXES = ("gpt-", "chatgpt-", "text-", "davinci-", "babbage-")
"""Prefixes of OpenAI's names of non-reasoning models, except those in REASONING_PREFIXES."""
REASONING_PREFIXES = ("gpt-5", "gpt-6")
"""Prefixes of OpenAI's gpt names of reasoning models; the o series has a prefix of its own."""

SMALL_LIMIT = 1024
"""With a smaller limit, in tokens, a thinking model may spend all of them before the answer begins."""

AS_REQUESTED = Message("as requested")
AS_REQUESTED_MODEL = Message("same as the requested model")
TURNED_OFF = Message("thinking disabled by policy.thinking")
NOT_REASONING_MODEL = Message("thinking disabled: the requested model is not a reasoning model")
NO_ROOM = Message(
    "thinking disabled: a limit below {limit} tokens would leave no room for an answer", limit=SMALL_LIMIT
)

SWITCH_FIELDS = ("thinking", "enable_thinking")
"""Members that switch thinking at any vendor: a request may have been written for another vendor."""


def requested_thinking(fields: Mapping[str, Any]) -> bool | None:
    """Return whether the request turns thinking on or off, in any vendor's fields; None if it does neither."""
    thinking = fields.get("thinking")
    if type(thinking) is dict:
        thinking = thinking.get("type")
    if thinking in ("enabled", "disabled"):
        return bool(thinking == "enabled")
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
    thinks = builder.thinks if default_thinking is None else default_thinking
    why = _conflict(switch.excludes, builder) if thinks else None
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
    limits = [fields[name] for name in ("max_tokens", "max_completion_tokens") if type(fields.get(name)) is int]
    return bool(limits) and min(limits) < SMALL_LIMIT
