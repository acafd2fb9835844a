"""Whether a request runs with thinking on, and how a vendor is told.

A 2024 app knows nothing of thinking: under the name of a model that does not reason it expects an answer at once, and
under a small token limit a thinking model answers with nothing and bills it. So ``auto`` turns thinking off there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.params import Draft

PLAIN = ("gpt-", "chatgpt-", "text-", "davinci-", "babbage-")
"""How OpenAI's names begin that know nothing of reasoning, but for those of REASONERS."""
REASONERS = ("gpt-5", "gpt-6")
"""OpenAI's gpt names that reason by themselves; the o series is told by its letter."""

SMALL_LIMIT = 1024
"""Below this many tokens a thinking model may spend all of them before the first word (tokens)."""

MEMBERS = ("thinking", "enable_thinking")
"""Members that switch thinking, in any vendor's words: a request may have been written for another vendor."""


def never(draft: Draft) -> str | None:
    """Nothing in a request keeps this vendor's models from thinking."""
    return None


@dataclass(frozen=True, slots=True)
class Dial:
    """How one vendor is told.

    ``turn(draft, on)`` writes its own member into the body; ``excludes(draft)`` gives the reason why this request can't
    run with thinking on (a forced tool call, for example), or None. ``prevents(draft)`` is the same for what wins even
    over a request that asks for thinking.
    """

    turn: Callable[[Draft, bool], None]
    excludes: Callable[[Draft], str | None] = never
    prevents: Callable[[Draft], str | None] = never


def wish(fields: Mapping[str, Any]) -> bool | None:
    """What the request itself says of thinking, in whichever words; None if nothing."""
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


def settle(draft: Draft, dial: Dial | None, policy: str, leaning: bool | None = None) -> dict[str, Any]:
    """Decide whether this request thinks, turn the vendor's dial, and hand back the fields that are still to judge.

    The members that switch thinking are taken out, whoever's they were; the vendor's own is sent as it came.
    Where the catalog is not sure what the model does by itself (fact ``default_unsure``), every wish is sent.
    ``leaning`` is a stand-in's word for a request that has none: what the model asked for would have done.
    """
    fields = dict(draft.ask.fields)
    asked = wish(fields)
    mode = draft.model.thinking
    draft.thinks = mode in ("always", "default_on")
    said = {name: fields.pop(name) for name in MEMBERS if name in fields}
    if dial is None or mode in ("never", "always"):
        _tell_fixed(draft, said, asked)
        return fields
    wanted, why = (asked, "as asked") if asked is not None else _unasked(draft, dial, policy, fields, leaning)
    prevented = dial.prevents(draft) if wanted or (wanted is None and draft.thinks) else None
    if prevented:
        return _without(draft, dial, said, fields, prevented)
    sure = not draft.model.facts.get("default_unsure")
    if wanted is None or (wanted == draft.thinks and sure and not said):
        return fields
    draft.thinks = wanted
    dial.turn(draft, wanted)
    if policy != "off" and (asked is None or _is_ours(draft)):
        draft.added += tuple(draft.body)
    for name in said or ("thinking",):
        own = name in said and type(said[name]) is not str and name in draft.body
        if own:
            draft.body[name] = said[name]  # the vendor's own words, with whatever else they say
        draft.tell(name, "honoured" if own else "mapped", why)
    return fields


def _is_ours(draft: Draft) -> bool:
    """Whether only a stand-in's defaults say anything of thinking, and not the request."""
    return bool(draft.ours) and wish({k: v for k, v in draft.ask.fields.items() if k not in draft.ours}) is None


def _without(draft: Draft, dial: Dial, said: Mapping[str, Any], fields: dict[str, Any], why: str) -> dict[str, Any]:
    """The request runs without thinking although it, or the model by itself, would have it otherwise."""
    if draft.thinks:
        dial.turn(draft, False)
        draft.added += tuple(draft.body)
    draft.thinks = False
    for name, value in said.items():
        if wish({name: value}) is False:
            draft.tell(name, "mapped", "as asked")
        else:
            draft.tell(name, "dropped", why)
    if not said:
        draft.tell("thinking", "mapped", why)
    return fields


def _tell_fixed(draft: Draft, said: Mapping[str, Any], asked: bool | None) -> None:
    """The model has no such switch: a wish for what it does anyway is met, any other is dropped."""
    does = "always thinks" if draft.thinks else "does not think"
    for name in said:
        if asked is draft.thinks:
            draft.tell(name, "mapped", f"the model {does}")
        else:
            draft.tell(name, "dropped", f"the model {does}")


def _unasked(
    draft: Draft, dial: Dial, policy: str, fields: Mapping[str, Any], leaning: bool | None
) -> tuple[bool | None, str]:
    """What the policy makes of a request that says nothing of thinking; None leaves it to the model."""
    if policy == "vendor":
        return None, ""
    if policy == "off":
        return False, "the policy turns thinking off"
    if _plain_openai_name(draft.ask.model):
        return False, "the model asked for does not reason"
    if _small(fields):
        return False, f"a limit under {SMALL_LIMIT} tokens would leave no room for an answer"
    why = dial.excludes(draft) if (draft.thinks if leaning is None else leaning) else None
    if why:
        return False, why
    return leaning, "as the model asked for would"


def _plain_openai_name(name: str) -> bool:
    return name.startswith(PLAIN) and not name.startswith(REASONERS)


def _small(fields: Mapping[str, Any]) -> bool:
    limits = [fields[name] for name in ("max_tokens", "max_completion_tokens") if type(fields.get(name)) is int]
    return bool(limits) and min(limits) < SMALL_LIMIT
