"""Rules for ``reasoning_effort``: the vendor's levels, or a budget of reasoning tokens, or only thinking on and off."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.core.adaptations import VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.reasons import ALWAYS_THINKS, NEVER_THINKS, RUNS_WITHOUT_THINKING, sent_as
from adapters.rules.verdicts import Condition, has

NO_LEVELS = Message("the model has no effort levels, only thinking on or off")
LEVELS_OR_SWITCH = Message("effort levels, or thinking on or off")
ONLY_SWITCH = Message("thinking on or off")
BUDGET_OR_SWITCH = Message("an effort level, a token budget, or thinking off")
ANY_BUDGET = Message("thinking without a token budget")
HAS_LEVELS = has("effort")

WITHOUT_THINKING = ("none", "minimal")
"""OpenAI's efforts that stand for thinking off."""


@dataclass(frozen=True, slots=True)
class Efforts:
    """One vendor's rules for ``reasoning_effort``; used as the verdict. By then thinking is switched on or off.

    ``levels`` has OpenAI's efforts for each of the vendor's levels, which models with ``leveled`` accept; ``none`` and
    ``minimal`` are among them only if a model that always thinks accepts a level for them. ``budgets`` maps OpenAI's
    efforts to reasoning tokens, sent as ``thinking_budget`` to other models that think.
    """

    levels: Mapping[str, tuple[str, ...]]
    leveled: Condition = HAS_LEVELS
    budgets: Mapping[str, int] | None = None

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        return ("honoured", "mapped", "dropped") if self.levels else ("mapped", "dropped")

    @property
    def why(self) -> Message:
        if self.budgets is not None:
            return BUDGET_OR_SWITCH
        return LEVELS_OR_SWITCH if self.levels else ONLY_SWITCH

    def apply(self, name: str, value: str, builder: RequestBuilder) -> None:
        """Write the level or the budget."""
        thinks, off = builder.thinks, value in WITHOUT_THINKING
        level = self._level(value) if thinks and self.leveled(builder) else None
        if level is not None:
            builder.body[name] = level
            builder.record(name, "honoured" if level == value else "mapped", sent_as(level))
        elif off is thinks:
            builder.record(name, "dropped", ALWAYS_THINKS if thinks else NEVER_THINKS)
        elif off:
            builder.record(name, "mapped", RUNS_WITHOUT_THINKING)
        else:
            builder.record(name, "mapped", NO_LEVELS if self.budgets is None else self._budget(value, builder))

    def _level(self, effort: str) -> str | None:
        return next((level for level, efforts in self.levels.items() if effort in efforts), None)

    def _budget(self, value: Any, builder: RequestBuilder) -> Message:
        """Write the budget of an effort, if it has one, and return the reason of the verdict."""
        budget = (self.budgets or {}).get(value)
        if budget is None:
            return ANY_BUDGET
        builder.body.setdefault("thinking_budget", budget)
        return Message("thinking with a budget of {budget} tokens", budget=budget)
