"""Mutates streams, feeds them to the codec, and judges the result."""

import random
import re
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from tests.adapters.play import Play
from tests.mutations.draft import Draft, Json
from tests.mutations.operators import OF_WHOLE_ANSWERS, OPERATORS, STAGES, Operator
from tests.mutations.recorded import Recorded, recorded
from tests.support.invariants import added_up, violations_of_body, violations_of_stream
from tests.support.judging import wanted_of

MOST_OPERATORS = 4
THOUGHTS = re.compile(r"\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
BOX = re.compile(r"<\|(?:begin|end)_of_box\|>")


@dataclass
class Mutant:
    """One mutated stream: its source and its mutations."""

    source: Recorded
    draft: Draft
    operators: list[Operator] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For a message."""
        return f"{self.source.pair.name}: {', '.join(one.name for one in self.operators) or 'nothing'}"

    @property
    def keeps_meaning(self) -> bool:
        """Whether every operator does."""
        return all(one.keeps_meaning for one in self.operators)

    @property
    def must_fail(self) -> bool:
        """Return whether the response was cut off, and no mutation may hide it."""
        return any(one.must_fail for one in self.operators) and all(
            one.keeps_meaning or one.must_fail for one in self.operators
        )


def mutant(source: Recorded, chosen: Sequence[Operator], rng: random.Random, *, whole: bool = False) -> Mutant:
    """The stream with these operators applied, in the order of their stages, as far as they find something to change.

    ``whole``: the same answer as one body.
    """
    made = Mutant(source, source.whole() if whole else source.draft())
    made.draft.cuts = [rng.random() for _ in range(rng.choice([0, 1, 3, 40]))]
    for one in sorted(chosen, key=lambda one: STAGES.index(one.group)):
        if one.vendors and made.draft.vendor not in one.vendors:
            continue
        if made.draft.events and one.change(made.draft, rng):
            made.operators.append(one)
    return made


def drawn(vendor: str, seed: int, *, whole: bool = False) -> Mutant:
    """A mutant of a vendor's by its seed: one to four operators, of different groups."""
    rng = random.Random(f"{vendor} {seed}")
    names = OF_WHOLE_ANSWERS if whole else list(OPERATORS)
    while True:  # until one of them finds something to change
        chosen: dict[str, Operator] = {}
        for name in rng.sample(names, rng.randint(1, MOST_OPERATORS)):
            chosen.setdefault(OPERATORS[name].group, OPERATORS[name])
        made = mutant(rng.choice(recorded(vendor)), list(chosen.values()), rng, whole=whole)
        if made.operators:
            return made


def played(one: Mutant) -> Play:
    """The codec's work on it. Whatever it raises is raised."""
    if one.draft.whole:
        play = Play(one.source.whole_plan(), judged=False).head(200, "application/json")
        return play.data(one.draft.body()).over()
    play = Play(one.source.pair.plan, judged=False).head(200, one.draft.content_type)
    for read in one.draft.reads():
        play.data(read)
    return play.over()


def problems(one: Mutant) -> list[str]:
    """Return the violations of the codec's result."""
    try:
        play = played(one)
    except Exception:
        return ["raised " + traceback.format_exc(limit=-3).replace("\n", " ")[-300:]]
    events = [orjson.loads(event.raw) for event in play.events]
    if one.must_fail:
        found = ["taken for whole, although it broke off"] if play.done else []
        return found + _shape(one, play, events, one.draft)
    if one.keeps_meaning and not play.done:
        return [f"failed, although nothing is lost: {play.failure.kind}: {play.failure.message}"]
    found = _shape(one, play, events, one.draft)
    return found or (_meaning(one, play, events) if one.keeps_meaning else [])


def _shape(one: Mutant, play: Play, events: list[Json], draft: Draft) -> list[str]:
    wanted = wanted_of(one.source.pair.plan, complete=play.done)
    assert wanted is not None
    if draft.whole:
        wanted = replace(wanted, json_arguments=one.keeps_meaning)
        return [what for event in events for what in violations_of_body(event, wanted=wanted)]
    indices = [choice.get("index") for choice in draft.choices() if choice.get("finish_reason")]
    # What stands in bytes already is not looked into.
    readable = all(type(frame) is dict for frame in draft.frames)
    finished = frozenset(index if type(index) is int else 0 for index in indices) if readable else None
    # Arguments that a mutation broke are the vendor's own: they reach the caller as they are, and need not be JSON.
    return violations_of_stream(events, wanted=replace(wanted, json_arguments=one.keeps_meaning, finished=finished))


def _meaning(one: Mutant, play: Play, events: list[Json]) -> list[str]:
    seen = added_up(map(_as_chunk, events) if one.draft.whole else events)
    found = differences(seen, shown(one.draft.meaning, one.source.pair.plan.target.model.facts))
    if one.source.usage is not None and all(operator.keeps_usage for operator in one.operators):
        spent = [(usage.prompt, usage.completion) for usage in play.spent.values()]
        if spent != [one.source.usage]:
            found.append(f"spent {spent}, not {one.source.usage}")
    return found


def shown(meaning: dict[int, Json], facts: Mapping[str, Any]) -> dict[int, Json]:
    """The meaning as clients see it, of a model that writes its reasoning or marks into the text."""
    return {index: _without_marks(choice, facts) for index, choice in meaning.items()}


def _without_marks(choice: Json, facts: Mapping[str, Any]) -> Json:
    content, reasoning = choice["content"], choice["reasoning"]
    thoughts = THOUGHTS.match(content) if facts.get("think_tags") else None
    if thoughts:
        content = content[thoughts.end() :]
        reasoning += thoughts[1] if thoughts[1].strip() else ""
    if facts.get("box_marks"):
        content = BOX.sub("", content)
    return {**choice, "content": content, "reasoning": reasoning}


def differences(seen: dict[int, Json], meant: dict[int, Json]) -> list[str]:
    """Where two meanings differ, as :func:`tests.support.invariants.added_up` has them."""
    found = []
    for index in sorted({*seen, *meant}):
        if index not in seen or index not in meant:
            found.append(f"choice {index} is {'lost' if index in meant else 'made up'}")
            continue
        for name in ("content", "reasoning", "calls", "finish"):
            if _plain(seen[index][name]) != _plain(meant[index][name]):
                found.append(f"choice {index}: {name} is {seen[index][name]!r}, not {meant[index][name]!r}")
    return found


def _as_chunk(body: Json) -> Json:
    """A whole answer as the one chunk of a stream."""
    choices = [
        {**choice, "delta": {**choice["message"], "tool_calls": _numbered(choice["message"])}}
        for choice in body["choices"]
    ]
    return {**body, "choices": choices}


def _numbered(message: Json) -> list[Json]:
    return [{**call, "index": at} for at, call in enumerate(message.get("tool_calls") or ())]


def _plain(value: Any) -> Any:
    """Calls with their arguments parsed: an object's members may be spaced in any way."""
    if type(value) is not list:
        return value
    return [(name, _parsed(arguments)) for name, arguments in value]


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def run(vendor: str, count: int, *, first: int = 0, whole: bool = False) -> dict[str, list[str]]:
    """Judge this many mutants of a vendor's; those with problems by ``SEED name``."""
    found = {}
    for seed in range(first, first + count):
        one = drawn(vendor, seed, whole=whole)
        wrong = problems(one)
        if wrong:
            found[f"{seed} {one.name}"] = wrong
    return found


def summary(found: dict[str, list[str]], most: int = 8) -> str:
    """The problems for a message: the operators that occur most in them, then some of them."""
    names = Counter(name for key in found for name in key.partition(": ")[2].split(", "))
    lines = [f"{len(found)} streams; " + ", ".join(f"{name} {count}" for name, count in names.most_common(12))]
    for key, wrong in list(found.items())[:most]:
        lines += [key, *(f"    {what[:300]}" for what in wrong[:3])]
    return "\n".join(lines)
