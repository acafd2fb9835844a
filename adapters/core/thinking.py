"""Whether a request runs with thinking on, and how a vendor is told.

A 2024 app knows nothing of thinking: under the name of a model that does not reason it expects an answer at once, and
under a small token limit a thinking model answers with nothing and bills it. So ``auto`` turns thinking off there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.core.params import Draft

REASONERS = ("o1", "o3", "o4", "gpt-5", "gpt-6")
"""OpenAI names that reason by themselves. A name that is not OpenAI's says nothing either way."""

SMALL_LIMIT = 1024
"""Below this many tokens a thinking model may spend all of them before the first word (tokens)."""

WORDS = ("thinking", "enable_thinking", "reasoning_effort")
"""Members that say something about thinking, in any vendor's words: a request may have been written for another."""


@dataclass(frozen=True, slots=True)
class Dial:
    """How one vendor is told. ``turn(draft, on)`` writes its field into the body."""

    turn: Callable[[Draft, bool], None]


def wish(fields: Any) -> bool | None:
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


def _is_plain_openai_name(name: str) -> bool:
    return name.startswith(("gpt-", "chatgpt-")) and not name.startswith(REASONERS)


def _small(fields: Any) -> bool:
    limits = [fields[name] for name in ("max_tokens", "max_completion_tokens") if name in fields]
    return bool(limits) and min(limits) < SMALL_LIMIT


def settle(draft: Draft, dial: Dial | None, policy: str) -> dict[str, Any]:
    """Decide whether this request thinks, turn the vendor's dial, and hand back the fields that are still to judge.

    The fields about thinking are taken out, whoever's they were, unless the vendor's own can be sent as it came.
    """
    fields = dict(draft.ask.fields)
    asked = wish(fields)
    modes = draft.model.thinking
    draft.thinks = modes in ("always", "default_on")
    said = [name for name in ("thinking", "enable_thinking") if name in fields]
    kept = {name: fields.pop(name) for name in said}
    if dial is None or modes == "never":
        for name in said:
            word = "mapped" if asked is False else "dropped"
            draft.tell(name, word, "the model does not think")  # type: ignore[arg-type]
        return fields
    if modes == "always":
        for name in said:
            word = "mapped" if asked else "dropped"
            draft.tell(name, word, "the model always thinks")  # type: ignore[arg-type]
        return fields
    wanted, why = asked, "as asked"
    if wanted is None and policy == "off":
        wanted, why = False, "the policy turns thinking off"
    elif wanted is None and policy == "auto":
        if _is_plain_openai_name(draft.ask.model):
            wanted, why = False, "the model asked for does not reason"
        elif _small(fields):
            wanted, why = False, f"a limit under {SMALL_LIMIT} tokens would leave no room for an answer"
    if wanted is None:
        return fields
    if wanted != draft.thinks or said:
        draft.thinks = wanted
        dial.turn(draft, wanted)
        own = [name for name in said if type(kept[name]) is not str and name in draft.body]
        if own:
            draft.body[own[0]] = kept[own[0]]  # the vendor's own words, with whatever else they say
        for name in said or ["thinking"]:
            if name in own:
                draft.tell(name, "honoured", why)
            else:
                draft.tell(name, "mapped", why)
    return fields
