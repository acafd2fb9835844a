"""What a translated request needs at one target, before the vendor's table applies: ``truncation: auto``, and the policy.

The size of a model's context and the policy are only known there.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest, Translation
from adapters.core.tokens import UNLIMITED, estimate
from adapters.core.vendor import Target
from adapters.responses.tools import OFFERED, hosted_name

TRUNCATION = "truncation"
NOT_ENFORCED = frozenset({"tools.format"})
"""Emulated fields that the client relies on and banjia does not enforce: refused by ``strict``."""
NEVER_STRICT = frozenset({"input.reasoning"})
"""Dropped fields that ``strict`` accepts: an old seal must not make a conversation useless."""

HOSTED_REFUSED = Message("OpenAI runs this tool itself, and policy.hosted_tools is refuse")
NOTHING_LEFT_OUT = Message("the request fits the model's context: nothing is left out")
UNKNOWN_CONTEXT = Message("the size of the model's context is unknown: nothing is left out")


def for_target(request: ApiRequest, translation: Translation, target: Target) -> tuple[ApiRequest, Translation]:
    """Return the request for this target, and its translation.

    Raises Refused, in the client's terms, for what ``strict`` and ``policy.hosted_tools`` do not accept.
    """
    if translation.original.get(TRUNCATION) == "auto":
        request, translation = truncated(request, translation, target)
    if target.hosted_tools == "refuse":
        _refuse_hosted_tools(translation.original.get("tools", ()), target)
    if target.strict:
        _check_strict(translation, target)
    return request, translation


def _refuse_hosted_tools(tools: Iterable[Mapping[str, Any]], target: Target) -> None:
    """Raise Refused for the first tool that was left out because OpenAI runs it."""
    for at, tool in enumerate(tools):
        if hosted_name(tool["type"]) in OFFERED:
            name, model = f"tools[{at}].type", target.model.id
            wrong = Message("'{name}' is not supported by {model}: {why}.", name=name, model=model, why=HOSTED_REFUSED)
            raise Refused(name, wrong)


def _check_strict(translation: Translation, target: Target) -> None:
    for name, (word, why, _) in translation.adaptations.items():
        refused = name in NOT_ENFORCED or (word in ("dropped", "clamped") and name not in NEVER_STRICT)
        if not refused or name.partition(".")[0] in target.droppable:
            continue
        raise Refused(
            name,
            Message(
                "'{name}' is not supported by {model}: {why} (it would be {word}, but policy.unsupported is strict).",
                name=name,
                model=target.model.id,
                why=why,
                word=word,
            ),
        )


def truncated(request: ApiRequest, translation: Translation, target: Target) -> tuple[ApiRequest, Translation]:
    """Return the request without its oldest turns, as many as the estimate exceeds the context by, and its translation.

    The messages before the first turn and the last turn always stay. A turn is left out whole, with its calls and their
    outputs.
    """
    turns, messages = translation.turns, request.fields["messages"]
    context = target.model.context
    begin = end = turns[0] if turns else 0
    if context is not None:
        sizes = [estimate(message) for message in messages]
        excess = sum(sizes) + estimate(request.fields.get("tools", ())) + _answer(request.fields, context) - context
        for turn in turns[1:]:
            if excess <= 0:
                break
            excess -= sum(sizes[end:turn])
            end = turn
    if context is None:
        verdict = Adaptation("dropped", UNKNOWN_CONTEXT)
    elif end == begin:
        verdict = Adaptation("emulated", NOTHING_LEFT_OUT, quiet=True)
    else:
        verdict = Adaptation(
            "emulated",
            Message(
                "{count} messages of the oldest turns are left out, to fit the model's context of {context} tokens",
                count=end - begin,
                context=context,
            ),
        )
    translation = translation._replace(
        adaptations={**translation.adaptations, TRUNCATION: verdict},
        names=_shifted(translation.names, begin, end) if end != begin else translation.names,
    )
    fields = {**request.fields, "messages": messages[:begin] + messages[end:]} if end != begin else request.fields
    return request._replace(fields=fields, translation=translation), translation


def _answer(fields: Mapping[str, Any], context: int) -> int:
    """Return the tokens to keep free for the answer: at most half of the context, which a higher limit would empty."""
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    return min(limit if type(limit) is int else UNLIMITED, context // 2)


def _shifted(names: Mapping[str, str], begin: int, end: int) -> dict[str, str]:
    """Return the names after the messages from ``begin`` to ``end`` were left out."""
    out: dict[str, str] = {}
    for path, name in names.items():
        if not path.startswith("messages["):
            out[path] = name
            continue
        index, _, rest = path.removeprefix("messages[").partition("]")
        at = int(index)
        if at < begin:
            out[path] = name
        elif at >= end:
            out[f"messages[{at - (end - begin)}]{rest}"] = name
    return out
