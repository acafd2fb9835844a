"""Changes that vendors and gateways were observed to make to a stream, as functions that change a :class:`Draft`.

An operator returns whether it found something to change. ``keeps_meaning``: a careful reader still gets the same text,
calls and finish, so the codec must too. ``must_fail``: the response is cut off, and no reader may accept it as complete. A
stream gets one operator of each ``group``, because two may hide each other's meaning.
"""

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import orjson

from tests.adapters.golden import HERE as GOLDEN
from tests.mutations.draft import Draft, Json, choices_of, insert, pieces_of

Change = Callable[[Draft, random.Random], bool]


@dataclass(frozen=True)
class Operator:
    """One change; ``vendors`` are those that were seen to make it, empty for any."""

    name: str
    change: Change
    group: str
    keeps_meaning: bool
    must_fail: bool
    keeps_usage: bool
    vendors: tuple[str, ...]


OPERATORS: dict[str, Operator] = {}

STAGES = (
    "text", "pieces", "arguments", "phantom", "usage", "final", "null", "breaks", "finish", "role", "index", "content",
    "chunk members", "choice members", "delta members", "head", "no choices", "tool list", "order", "odd members", "framing",
    "newline", "done", "head of the response",
)  # fmt: skip
"""The groups in the order in which they are applied: what looks for a finish or an index comes before what hides it."""


def _writing(text: bytes) -> tuple[str, ...]:
    """Return the vendors with this text in the bytes of a golden pair."""
    return tuple(sorted({path.parent.name for path in GOLDEN.glob("*/*.txt") if text in path.read_bytes()}))


def operator(
    group: str,
    *,
    keeps_meaning: bool = True,
    must_fail: bool = False,
    keeps_usage: bool = True,
    vendors: tuple[str, ...] = (),
) -> Callable[[Change], Change]:
    """Register a function under its name."""

    def register(change: Change) -> Change:
        name: str = getattr(change, "__name__")  # noqa: B009
        keeps = keeps_meaning and not must_fail
        assert group in STAGES, group
        OPERATORS[name] = Operator(name, change, group, keeps, must_fail, keeps_usage and keeps, vendors)
        return change

    return register


OF_WHOLE_ANSWERS = (
    "role_absent", "role_an_odd_word", "members_that_are_null", "tool_calls_that_are_empty", "function_call_stub",
    "phantom_tool_slot", "content_null_or_empty", "content_absent_where_empty", "content_as_parts", "index_left_out",
    "index_null", "index_all_zero", "index_minus_one", "index_with_gaps", "id_missing", "type_missing",
    "arguments_as_an_object", "arguments_null_or_absent_at_first", "tool_calls_as_an_object", "a_piece_without_function",
    "arguments_not_text", "finish_in_another_word", "finish_by_a_filter", "finish_stop_with_calls",
    "finish_of_calls_without_calls", "finish_that_says_it_broke", "finish_missing", "finish_of_another_type",
    "finish_in_an_unknown_word", "usage_in_the_choice", "usage_odd", "members_of_the_chunk", "members_of_the_choice",
    "members_of_the_delta", "logprobs_odd", "id_missing_or_odd", "object_missing_or_odd", "created_missing_or_odd",
    "model_missing_or_changing", "choice_index_missing", "a_member_dropped", "a_member_odd", "a_member_odd_in_each_event",
)  # fmt: skip
"""The operators that also apply to an answer that comes whole."""


def each_delta(draft: Draft, change: Callable[[int, Json], bool]) -> bool:
    """Change deltas by their number within their choice; whether any was changed."""
    seen: dict[int, int] = {}
    changed = False
    for choice in draft.choices():
        at = seen.get(choice["index"], 0)
        seen[choice["index"]] = at + 1
        if type(choice.get("delta")) is dict:
            changed |= change(at, choice["delta"])
    return changed


def some(changes: list[bool]) -> bool:
    """Whether any was made; all of them are."""
    return any(changes)


def put(where: Json, **members: object) -> bool:
    """Set members; always true."""
    where.update(members)
    return True


# Roles


@operator("role")
def role_in_every_chunk(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: put(delta, role="assistant"))


@operator("role")
def role_null_after_the_first(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: at > 0 and put(delta, role=None))


@operator("role")
def role_empty_after_the_first(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: at > 0 and put(delta, role=""))


@operator("role")
def role_absent(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: bool(delta.pop("role", None)))


@operator("role")
def role_an_odd_word(draft: Draft, rng: random.Random) -> bool:
    word = rng.choice(["ai", "model", "Assistant", "bot", ""])
    return each_delta(draft, lambda at, delta: "role" in delta and put(delta, role=word))


# Members that say nothing


@operator("null")
def members_that_are_null(draft: Draft, rng: random.Random) -> bool:
    names = ("tool_calls", "function_call", "refusal", "audio", "content", "reasoning_content")

    def change(at: int, delta: Json) -> bool:
        return put(delta, **{name: None for name in names if name not in delta})

    return each_delta(draft, change)


@operator("null")
def tool_calls_that_are_empty(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: not delta.get("tool_calls") and put(delta, tool_calls=[]))


@operator("null")
def function_call_stub(draft: Draft, rng: random.Random) -> bool:
    at = draft.finish_at
    if at is None or draft.calls:
        return False
    for choice in choices_of(draft.frames[at]):  # type: ignore[arg-type]
        choice["delta"] = {**(choice.get("delta") or {}), "function_call": {"name": "", "arguments": ""}}
    return True


@operator("phantom")
def phantom_tool_slot(draft: Draft, rng: random.Random) -> bool:
    at = draft.finish_at
    if at is None or not draft.single:
        return False
    empty = rng.choice(["", None])
    slot = {"index": draft.calls, "id": empty, "type": "function", "function": {"name": empty, "arguments": ""}}
    if draft.whole:
        delta = next(draft.deltas())
        delta["tool_calls"] = [*pieces_of(delta), slot]
    else:
        draft.frames.insert(at, draft.blank({"tool_calls": [slot]}))
    return True


# Text


@operator("content")
def content_null_or_empty(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([None, ""])
    return each_delta(draft, lambda at, delta: not delta.get("content") and put(delta, content=value))


@operator("content")
def content_absent_where_empty(draft: Draft, rng: random.Random) -> bool:
    return each_delta(draft, lambda at, delta: not delta.get("content", "x") and delta.pop("content", "x") != "x")


@operator("content")
def content_as_parts(draft: Draft, rng: random.Random) -> bool:
    def change(at: int, delta: Json) -> bool:
        return bool(delta.get("content")) and put(delta, content=[{"type": "text", "text": delta["content"]}])

    return each_delta(draft, change)


@operator("text")
def text_split(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.frames):
        if type(event) is not dict or len(choices_of(event)) != 1:
            continue
        choice = choices_of(event)[0]
        text = (choice.get("delta") or {}).get("content") or ""
        if type(text) is str and len(text) > 1 and not choice.get("finish_reason"):
            cut = rng.randint(1, len(text) - 1)
            second = copy.deepcopy(event)
            second["choices"][0]["delta"] = {"content": text[cut:]}
            choice["delta"]["content"] = text[:cut]
            draft.frames.insert(at + 1, second)
            return True
    return False


@operator("text")
def texts_merged(draft: Draft, rng: random.Random) -> bool:
    for at in range(len(draft.frames) - 1):
        first, second = draft.frames[at], draft.frames[at + 1]
        if _has_only_text(first) and _has_only_text(second):
            one, other = choices_of(first)[0], choices_of(second)[0]  # type: ignore[arg-type]
            if one["index"] == other["index"]:
                one["delta"]["content"] = (one["delta"].get("content") or "") + other["delta"]["content"]
                del draft.frames[at + 1]
                return True
    return False


def _has_only_text(event: Json | bytes) -> bool:
    if type(event) is not dict or len(choices_of(event)) != 1:
        return False
    choice = choices_of(event)[0]
    delta = choice.get("delta")
    if type(delta) is not dict or choice.get("finish_reason") or delta.get("tool_calls"):
        return False
    return type(delta.get("content")) is str and not delta.get("reasoning_content")


@operator("text")
def empty_delta_between(draft: Draft, rng: random.Random) -> bool:
    if not draft.single:
        return False
    insert(draft, rng, draft.blank({}), last=draft.finish_at)
    return True


@operator("text")
def finish_in_the_last_text_chunk(draft: Draft, rng: random.Random) -> bool:
    at = draft.finish_at
    if at is None or at == 0 or not draft.single:
        return False
    before, last = draft.frames[at - 1], draft.frames[at]
    if type(before) is not dict or type(last) is not dict or not choices_of(before):
        return False
    if any((choice.get("delta") or {}).get(name) for choice in choices_of(last) for name in ("content", "tool_calls")):
        return False
    choices_of(before)[0]["finish_reason"] = choices_of(last)[0]["finish_reason"]
    if last.get("usage"):
        before["usage"] = last["usage"]
    del draft.frames[at]
    return True


# Which call a piece belongs to


def _each_piece(draft: Draft, change: Callable[[bool, Json], object]) -> bool:
    """Change pieces; the first argument is whether the piece begins its call."""
    begun: set[tuple[int, int]] = set()
    changed = False
    for choice in draft.choices():
        for piece in pieces_of(choice.get("delta") or {}):
            key = choice["index"], piece["index"]
            first = key not in begun
            begun.add(key)
            change(first, piece)
            changed = True
    return changed


def _interleaved(draft: Draft) -> bool:
    """Whether a call goes on after the next has begun: without an index its pieces cannot be assigned."""
    for choice in draft.meaning:
        order = [
            piece["index"]
            for one in draft.choices()
            if one["index"] == choice
            for piece in pieces_of(one.get("delta") or {})
        ]
        if order != sorted(order):
            return True
    return False


@operator("index")
def index_left_out(draft: Draft, rng: random.Random) -> bool:
    return not _interleaved(draft) and _each_piece(draft, lambda first, piece: piece.pop("index"))


@operator("index")
def index_null(draft: Draft, rng: random.Random) -> bool:
    return not _interleaved(draft) and _each_piece(draft, lambda first, piece: piece.update(index=None))


@operator("index")
def index_all_zero(draft: Draft, rng: random.Random) -> bool:
    return not _interleaved(draft) and _each_piece(draft, lambda first, piece: piece.update(index=0))


@operator("index")
def index_minus_one(draft: Draft, rng: random.Random) -> bool:
    return not _interleaved(draft) and _each_piece(draft, lambda first, piece: piece.update(index=-1))


@operator("index")
def index_with_gaps(draft: Draft, rng: random.Random) -> bool:
    begin, step = rng.choice([(1, 1), (0, 2), (1, 2), (3, 5)])
    return _each_piece(draft, lambda first, piece: piece.update(index=begin + step * piece["index"]))


@operator("index")
def id_repeated(draft: Draft, rng: random.Random) -> bool:
    ids: dict[int, str] = {}

    def change(first: bool, piece: Json) -> None:
        if first:
            ids[piece["index"]] = piece.get("id") or ""
        piece["id"] = ids[piece["index"]]

    return _each_piece(draft, change)


@operator("index")
def name_and_type_repeated(draft: Draft, rng: random.Random) -> bool:
    names: dict[int, str] = {}

    def change(first: bool, piece: Json) -> None:
        if first:
            names[piece["index"]] = piece["function"].get("name") or ""
        piece["type"] = "function"
        piece["function"]["name"] = names[piece["index"]]

    return draft.single and _each_piece(draft, change)


@operator("index")
def id_and_name_empty_later(draft: Draft, rng: random.Random) -> bool:
    empty = rng.choice(["", None])

    def change(first: bool, piece: Json) -> None:
        if not first:
            piece.update(id=empty, type=rng.choice(["function", "", None]))
            piece["function"]["name"] = empty

    return _each_piece(draft, change)


@operator("index")
def id_missing(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice(["absent", "", None])

    def change(first: bool, piece: Json) -> None:
        piece.pop("id", None)
        if first and value != "absent":
            piece["id"] = value

    return _each_piece(draft, change)


@operator("index")
def type_missing(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice(["absent", "", None])

    def change(first: bool, piece: Json) -> None:
        piece.pop("type", None)
        if value != "absent":
            piece["type"] = value

    return _each_piece(draft, change)


@operator("index")
def name_in_the_second_piece(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.frames):
        if type(event) is not dict or len(choices_of(event)) != 1:
            continue
        pieces = pieces_of(choices_of(event)[0].get("delta") or {})
        if len(pieces) == 1 and pieces[0].get("function", {}).get("name"):
            function = pieces[0]["function"]
            second = copy.deepcopy(event)
            piece = {"index": pieces[0]["index"], "function": dict(function)}
            second["choices"][0]["delta"] = {"tool_calls": [piece]}
            second["choices"][0]["finish_reason"] = choices_of(event)[0].get("finish_reason")
            choices_of(event)[0]["finish_reason"] = None
            pieces[0]["function"] = {"name": rng.choice(["", None]), "arguments": ""}
            draft.frames.insert(at + 1, second)
            return True
    return False


# How pieces are put into chunks


@operator("pieces")
def calls_whole_in_one_chunk(draft: Draft, rng: random.Random) -> bool:
    return _gather(draft, together=False)


@operator("pieces")
def all_calls_in_one_chunk(draft: Draft, rng: random.Random) -> bool:
    return _gather(draft, together=True)


@operator("pieces")
def calls_whole_beside_the_finish(draft: Draft, rng: random.Random) -> bool:
    if not _gather(draft, together=True):
        return False
    at = draft.finish_at
    for place, frame in enumerate(draft.frames):
        if at is None or type(frame) is not dict or place >= at:
            continue
        for choice in choices_of(frame):
            if (choice.get("delta") or {}).get("tool_calls"):
                last = choices_of(draft.frames[at])  # type: ignore[arg-type]
                last[0]["delta"] = {**(last[0].get("delta") or {}), "tool_calls": choice["delta"].pop("tool_calls")}
                return True
    return False


def _gather(draft: Draft, *, together: bool) -> bool:
    """Put all pieces of a call into its first; all calls into the first chunk with ``together``."""
    if not draft.single or not draft.calls:
        return False
    first: dict[int, Json] = {}
    home: list[Json] | None = None
    for delta in draft.deltas():
        kept = []
        for piece in pieces_of(delta):
            if piece["index"] in first:
                function = first[piece["index"]]["function"]
                more = (piece.get("function") or {}).get("arguments") or ""
                function["arguments"] = (function.get("arguments") or "") + more
            else:
                first[piece["index"]] = piece
                kept.append(piece)
        if together and home is not None:
            home += kept
            kept = []
        if kept:
            delta["tool_calls"] = kept
            home = home or delta["tool_calls"]
        else:
            delta.pop("tool_calls", None)
    return True


@operator("pieces")
def two_pieces_of_a_call_in_one_chunk(draft: Draft, rng: random.Random) -> bool:
    chunks = [delta for delta in draft.deltas() if pieces_of(delta)] if draft.single else []
    for one, other in pairwise(chunks):
        if one["tool_calls"][-1]["index"] == other["tool_calls"][0]["index"]:
            one["tool_calls"] += other.pop("tool_calls")
            return True
    return False


@operator("tool list")
def tool_calls_as_an_object(draft: Draft, rng: random.Random) -> bool:
    changed = False
    for delta in draft.deltas():
        if len(pieces_of(delta)) == 1:
            delta["tool_calls"] = delta["tool_calls"][0]
            changed = True
    return changed


@operator("pieces")
def arguments_split(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.frames):
        if type(event) is not dict or len(choices_of(event)) != 1:
            continue
        choice = choices_of(event)[0]
        pieces = pieces_of(choice.get("delta") or {})
        text = (pieces[0].get("function") or {}).get("arguments") if len(pieces) == 1 else None
        if text and len(text) > 1:
            cut = rng.randint(1, len(text) - 1)
            later = copy.deepcopy(event)
            later["choices"][0]["delta"] = {
                "tool_calls": [{"index": pieces[0]["index"], "function": {"arguments": text[cut:]}}]
            }
            choice["finish_reason"] = None
            pieces[0]["function"]["arguments"] = text[:cut]
            draft.frames.insert(at + 1, later)
            return True
    return False


# Arguments


@operator("arguments")
def arguments_null_at_the_end(draft: Draft, rng: random.Random) -> bool:
    return _piece_before_the_finish(draft, rng.choice(["", "absent"]), None)


@operator("arguments")
def arguments_empty_at_the_end(draft: Draft, rng: random.Random) -> bool:
    return _piece_before_the_finish(draft, rng.choice(["", "absent"]), "")


def _piece_before_the_finish(draft: Draft, id_: str, arguments: str | None) -> bool:
    at = draft.finish_at
    if at is None or not draft.single or not draft.calls:
        return False
    piece: Json = {"index": draft.calls - 1, "type": "function", "function": {"arguments": arguments}}
    if id_ != "absent":
        piece["id"] = id_
    for place in range(at + 1):  # before a finish that stands in the same chunk as a call, there is no room
        if place == at and any(pieces_of(c.get("delta") or {}) for c in choices_of(draft.frames[at])):  # type: ignore[arg-type]
            return False
    draft.frames.insert(at, draft.blank({"tool_calls": [piece]}))
    return True


@operator("arguments")
def arguments_empty_second(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.frames):
        if type(event) is not dict or not draft.single:
            continue
        pieces = [piece for choice in choices_of(event) for piece in pieces_of(choice.get("delta") or {})]
        if pieces and not choices_of(event)[0].get("finish_reason"):
            piece = {"index": pieces[-1]["index"], "function": {"arguments": ""}}
            draft.frames.insert(at + 1, draft.blank({"tool_calls": [piece]}))
            return True
    return False


@operator("arguments")
def braces_first_then_arguments(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.frames):
        if type(event) is not dict or len(choices_of(event)) != 1:
            continue
        choice = choices_of(event)[0]
        pieces = pieces_of(choice.get("delta") or {})
        if len(pieces) == 1 and pieces[0].get("function", {}).get("name"):
            meant = draft.meaning[choice["index"]]["calls"][pieces[0]["index"]][1]
            if meant == "{}":
                continue
            text = pieces[0]["function"].get("arguments") or ""
            pieces[0]["function"]["arguments"] = "{}"
            if text:
                later = copy.deepcopy(event)
                later["choices"][0]["delta"] = {
                    "tool_calls": [{"index": pieces[0]["index"], "function": {"arguments": text}}]
                }
                choice["finish_reason"] = None
                draft.frames.insert(at + 1, later)
            return True
    return False


@operator("arguments")
def arguments_null_or_absent_at_first(draft: Draft, rng: random.Random) -> bool:
    changed = False
    absent = rng.random() < 0.5
    for piece in draft.pieces():
        function = piece.get("function") or {}
        if function.get("name") and not function.get("arguments"):
            function["arguments"] = None
            if absent:
                del function["arguments"]
            changed = True
    return changed


@operator("arguments")
def arguments_as_an_object(draft: Draft, rng: random.Random) -> bool:
    if not _gather(draft, together=rng.random() < 0.5):
        return False
    for piece in draft.pieces():
        piece["function"]["arguments"] = orjson.loads(piece["function"].get("arguments") or "{}")
    return True


@operator("odd members", keeps_meaning=False)
def a_piece_without_function(draft: Draft, rng: random.Random) -> bool:
    pieces = list(draft.pieces())
    if not pieces:
        return False
    rng.choice(pieces).pop("function", None)
    return True


@operator("odd members", keeps_meaning=False)
def arguments_not_text(draft: Draft, rng: random.Random) -> bool:
    pieces = [piece for piece in draft.pieces() if piece.get("function")]
    if not pieces:
        return False
    rng.choice(pieces)["function"]["arguments"] = rng.choice([{}, [], 5, True, {"a": 1}])
    return True


# Finishes


def _finishing(draft: Draft) -> list[Json]:
    return [choice for choice in draft.choices() if choice.get("finish_reason")]


@operator("finish")
def finish_doubled(draft: Draft, rng: random.Random) -> bool:
    at = draft.finish_at
    if at is None:
        return False
    again = copy.deepcopy(draft.frames[at])
    for choice in choices_of(again):  # type: ignore[arg-type]
        choice["delta"] = rng.choice([{}, {"content": ""}, {"role": "assistant", "content": ""}])
    draft.frames.insert(at + 1, again)
    return True


@operator("finish")
def finish_empty_before(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice(["", "null"])
    return some([put(choice, finish_reason=value) for choice in draft.choices() if not choice.get("finish_reason")])


@operator("finish")
def finish_absent_before(draft: Draft, rng: random.Random) -> bool:
    without = [choice for choice in draft.choices() if not choice.get("finish_reason", "x")]
    for choice in without:
        del choice["finish_reason"]
    return bool(without)


STOPS = ("end_turn", "STOP", "eos", "stop_sequence")
LENGTHS = ("MAX_TOKENS", "max_tokens", "model_context_window_exceeded")
TOOLS = ("tool_use", "stop", "end_turn", "STOP", "function_call", "eos")
FILTERS = ("SAFETY", "sensitive", "content_filter")


@operator("finish")
def finish_in_another_word(draft: Draft, rng: random.Random) -> bool:
    words = {"stop": STOPS, "length": LENGTHS, "tool_calls": TOOLS, "content_filter": FILTERS}
    changed = False
    for choice in _finishing(draft):
        if choice["finish_reason"] in words:
            choice["finish_reason"] = rng.choice(words[choice["finish_reason"]])
            changed = True
    return changed


@operator("finish")
def finish_by_a_filter(draft: Draft, rng: random.Random) -> bool:
    for choice in _finishing(draft):
        choice["finish_reason"] = rng.choice(FILTERS)
        draft.meaning[choice["index"]]["finish"] = "content_filter"
    return True


@operator("finish")
def finish_stop_with_calls(draft: Draft, rng: random.Random) -> bool:
    return some([put(choice, finish_reason="stop") for choice in _finishing(draft) if draft.calls])


@operator("finish", keeps_meaning=False)
def finish_of_calls_without_calls(draft: Draft, rng: random.Random) -> bool:
    return some([put(choice, finish_reason="tool_calls") for choice in _finishing(draft) if not draft.calls])


@operator("finish", must_fail=True)
def finish_that_says_it_broke(draft: Draft, rng: random.Random) -> bool:
    word = rng.choice(["abort", "aborted", "error", "network_error", "insufficient_system_resource"])
    return some([put(choice, finish_reason=word) for choice in _finishing(draft)])


@operator("finish", vendors=_writing(b'"finish_reason":"normal"'))
def finish_normal_before(draft: Draft, rng: random.Random) -> bool:
    return some([put(choice, finish_reason="normal") for choice in draft.choices() if not choice.get("finish_reason")])


@operator("finish", keeps_meaning=False)
def finish_missing(draft: Draft, rng: random.Random) -> bool:
    return some([put(choice, finish_reason=None) for choice in _finishing(draft)])


@operator("finish", keeps_meaning=False)
def finish_too_early(draft: Draft, rng: random.Random) -> bool:
    choices = [choice for choice in draft.choices() if not choice.get("finish_reason")]
    return bool(choices) and put(rng.choice(choices), finish_reason=rng.choice(["stop", "tool_calls", "length"]))


@operator("finish", keeps_meaning=False)
def finish_of_another_type(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([0, 1, True, [], {}, ["stop"], {"reason": "stop"}])
    return some([put(choice, finish_reason=value) for choice in _finishing(draft)])


@operator("finish", keeps_meaning=False)
def finish_in_an_unknown_word(draft: Draft, rng: random.Random) -> bool:
    word = rng.choice(["normal", "new_word", "unknown", "OTHER", "RECITATION"])
    return some([put(choice, finish_reason=word) for choice in _finishing(draft)])


# Usage

COUNTS = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
NO_COUNTS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def _without_usage(draft: Draft) -> None:
    at = draft.usage_at
    if at is not None:
        del draft.frames[at]
    for event in draft.events:
        event.pop("usage", None)
        for choice in choices_of(event):
            choice.pop("usage", None)


@operator("usage", keeps_usage=False)
def usage_in_the_choice(draft: Draft, rng: random.Random) -> bool:
    _without_usage(draft)
    for choice in _finishing(draft):
        choice["usage"] = dict(COUNTS)
    return True


@operator("usage", keeps_usage=False)
def usage_with_the_finish(draft: Draft, rng: random.Random) -> bool:
    _without_usage(draft)
    at = draft.finish_at
    return at is not None and put(draft.frames[at], usage=dict(COUNTS))  # type: ignore[arg-type]


@operator("usage", keeps_usage=False)
def usage_in_each_chunk(draft: Draft, rng: random.Random) -> bool:
    for at, event in enumerate(draft.events):
        event["usage"] = {"prompt_tokens": 11, "completion_tokens": at, "total_tokens": 11 + at}
    return True


@operator("usage")
def usage_all_zero_after(draft: Draft, rng: random.Random) -> bool:
    draft.frames.append({**draft.blank(), "usage": dict(NO_COUNTS)})
    return True


@operator("usage", keeps_usage=False)
def usage_in_other_names(draft: Draft, rng: random.Random) -> bool:
    _without_usage(draft)
    draft.frames.append({**draft.blank(), "usage": {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}})
    return True


@operator("usage", keeps_usage=False)
def usage_before_the_finish(draft: Draft, rng: random.Random) -> bool:
    _without_usage(draft)
    at = draft.finish_at
    if at is None:
        return False
    draft.frames.insert(at, {**draft.blank(), "usage": dict(COUNTS)})
    return True


@operator("usage", keeps_usage=False)
def usage_odd(draft: Draft, rng: random.Random) -> bool:
    odd: list[object] = [
        None,
        {},
        [],
        "",
        {"total_tokens": None},
        {"prompt_tokens": "3"},
        {"prompt_tokens": -1, "total_tokens": 1.5},
    ]
    for event in draft.events:
        event["usage"] = rng.choice(odd)
    return True


# Members that are not OpenAI's

OF_CHUNK: tuple[Json, ...] = (
    {"base_resp": {"status_code": 0, "status_msg": ""}, "input_sensitive": False},
    {"code": 0, "message": "Success", "sid": "cha01"},
    {"provider": "x", "request_id": "r1"},
    {"timings": {"prompt_n": 1}, "x_groq": {"id": "r"}},
    {"note": "n", "moderation_level": "0", "search_info": {"search_results": []}},
    {"service_tier": None, "system_fingerprint": None},
    {"error": None},
)
OF_CHOICE: tuple[Json, ...] = (
    {"flag": 0, "is_end": False},
    {"native_finish_reason": "stop", "matched_stop": None},
    {"content_filter_results": {}, "content_filter_offsets": {"check_offset": 0}},
    {"stop_reason": None, "token_ids": None},
    {"moderation_hit_type": None, "logprobs": None},
    {"text": "", "error": None},
)
OF_DELTA: tuple[Json, ...] = (
    {"provider_specific_fields": None, "annotations": []},
    {"reasoning_details": [], "name": "bot"},
    {"thinking_blocks": None, "audio": None, "search_results": []},
)


@operator("chunk members")
def members_of_the_chunk(draft: Draft, rng: random.Random) -> bool:
    more = rng.choice(OF_CHUNK)
    return some([put(event, **copy.deepcopy(more)) for event in draft.events if "error" not in event])


@operator("choice members")
def members_of_the_choice(draft: Draft, rng: random.Random) -> bool:
    more = rng.choice(OF_CHOICE)
    return some([put(choice, **copy.deepcopy(more)) for choice in draft.choices()])


@operator("delta members")
def members_of_the_delta(draft: Draft, rng: random.Random) -> bool:
    more = rng.choice(OF_DELTA)
    return some([put(delta, **copy.deepcopy(more)) for delta in draft.deltas()])


@operator("choice members")
def logprobs_odd(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([[], "", {"content": []}, {"content": None, "refusal": None}])
    return some([put(choice, logprobs=value) for choice in draft.choices()])


@operator("choice members")
def a_message_beside_the_delta(draft: Draft, rng: random.Random) -> bool:
    message = rng.choice([None, {}, {"role": "assistant", "content": ""}])
    return some([put(choice, message=copy.deepcopy(message)) for choice in draft.choices()])


def _whole_message(draft: Draft) -> Json:
    meant = draft.meaning[0]
    calls = [
        {"id": f"call_r{at}", "type": "function", "index": at, "function": {"name": name, "arguments": arguments}}
        for at, (name, arguments) in enumerate(meant["calls"])
    ]
    return {"role": "assistant", "content": meant["content"], **({"tool_calls": calls} if calls else {})}


@operator("final", keeps_usage=False)
def final_frame_repeats_the_message(draft: Draft, rng: random.Random) -> bool:
    finish = draft.meaning[0]["finish"] if draft.single else None
    if finish is None:
        return False
    final = {**draft.blank(), "object": "chat.completion", "usage": dict(COUNTS)}
    final["choices"] = [{"index": 0, "finish_reason": finish, "message": _whole_message(draft)}]
    at = draft.finish_at
    draft.frames.insert(len(draft.frames) if at is None else at + 1, final)
    return True


@operator("final", keeps_usage=False)
def final_frame_instead_of_the_finish(draft: Draft, rng: random.Random) -> bool:
    at = draft.finish_at
    if at is None or not draft.single:
        return False
    last = choices_of(draft.frames[at])[0]  # type: ignore[arg-type]
    if any((last.get("delta") or {}).get(name) for name in ("content", "tool_calls", "reasoning_content")):
        return False
    last["message"] = _whole_message(draft)
    del last["delta"]
    return True


# The head of a chunk


@operator("head")
def id_changes(draft: Draft, rng: random.Random) -> bool:
    return some([put(event, id=f"c-{at}") for at, event in enumerate(draft.events)])


@operator("head")
def id_missing_or_odd(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([None, "", 7, "é" * 10, "x" * 200, "absent"])
    for event in draft.events:
        event["id"] = value
        if value == "absent":
            del event["id"]
    return True


@operator("head")
def object_missing_or_odd(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([None, "", "chat.completion", "chunk", "absent"])
    for event in draft.events:
        event["object"] = value
        if value == "absent":
            del event["object"]
    return True


@operator("head")
def created_missing_or_odd(draft: Draft, rng: random.Random) -> bool:
    value = rng.choice([None, 0, "1721000000", 1721000000.5, "absent", "2024-07-01T00:00:00Z"])
    for event in draft.events:
        event["created"] = value
        if value == "absent":
            del event["created"]
    return True


@operator("head")
def created_changes(draft: Draft, rng: random.Random) -> bool:
    return some([put(event, created=1_721_000_000 + at) for at, event in enumerate(draft.events)])


@operator("head")
def model_missing_or_changing(draft: Draft, rng: random.Random) -> bool:
    for event in draft.events:
        event["model"] = rng.choice([None, "", "m-1", "m-2"])
        if event["model"] is None and rng.random() < 0.5:
            del event["model"]
    return True


# Chunks without choices


@operator("no choices")
def azures_filter_results_first(draft: Draft, rng: random.Random) -> bool:
    results = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]
    head = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    draft.frames.insert(0, {**head, "prompt_filter_results": results})
    return True


@operator("no choices")
def chunks_without_choices(draft: Draft, rng: random.Random) -> bool:
    value: object = rng.choice(([], None, "absent"))
    event = draft.blank()
    event["choices"] = value
    if value == "absent":
        del event["choices"]
    insert(draft, rng, event)
    return True


@operator("no choices")
def choice_index_missing(draft: Draft, rng: random.Random) -> bool:
    if not draft.single:
        return False
    for choice in draft.choices():
        choice["index"] = None
        if rng.random() < 0.5:
            del choice["index"]
    return True


@operator("final")
def delta_null_or_missing_at_the_end(draft: Draft, rng: random.Random) -> bool:
    absent = rng.random() < 0.5
    changed = False
    for choice in _finishing(draft):
        if any(
            (choice.get("delta") or {}).get(name) for name in ("content", "tool_calls", "reasoning_content", "role")
        ):
            continue
        if "message" in choice:
            continue
        choice["delta"] = None
        if absent:
            del choice["delta"]
        changed = True
    return changed


# Framing


@operator("framing")
def comments_between(draft: Draft, rng: random.Random) -> bool:
    for comment in (b": OPENROUTER PROCESSING", b":", b": keep-alive\n: keep-alive"):
        draft.frames.insert(rng.randint(0, len(draft.frames)), comment)
    return True


@operator("framing")
def pings_between(draft: Draft, rng: random.Random) -> bool:
    pings = (b"event: ping\ndata: {}", b"data: {}", b"data: null", b'data: {"type": "ping"}', b"event: ping", b"data:")
    for _ in range(rng.randint(1, 4)):
        insert(draft, rng, rng.choice(pings))
    return True


@operator("framing")
def event_names_and_ids(draft: Draft, rng: random.Random) -> bool:
    before = rng.choice(
        [b"event: message\n", b"id: 1\n", b"retry: 1000\n", b"id: 1\nevent: result\n:HTTP_STATUS/200\n"]
    )
    draft.frames = [frame if type(frame) is bytes else before + draft._written(frame) for frame in draft.frames]
    return True


@operator("framing")
def one_newline_between_events(draft: Draft, rng: random.Random) -> bool:
    draft.blank_lines = False
    return True


@operator("framing")
def no_blank_after_data(draft: Draft, rng: random.Random) -> bool:
    draft.prefix = "data:"
    return True


@operator("framing")
def an_event_over_two_data_lines(draft: Draft, rng: random.Random) -> bool:
    at = rng.randrange(len(draft.frames))
    event = draft.frames[at]
    if type(event) is dict and draft.prefix == "data: ":
        draft.frames[at] = b"data: {\ndata: " + orjson.dumps(event)[1:]
    return True


@operator("framing")
def blanks_around_the_json(draft: Draft, rng: random.Random) -> bool:
    draft.frames = [
        frame if type(frame) is bytes else b"data:  " + orjson.dumps(frame) + b" " for frame in draft.frames
    ]
    return True


@operator("newline")
def other_line_ends(draft: Draft, rng: random.Random) -> bool:
    draft.newline = rng.choice([b"\r\n", b"\r"])
    return True


@operator("newline")
def a_byte_order_mark(draft: Draft, rng: random.Random) -> bool:
    first = draft.frames[0]
    draft.frames[0] = b"\xef\xbb\xbf" + (first if type(first) is bytes else draft._written(first))
    return True


@operator("newline")
def text_in_ascii(draft: Draft, rng: random.Random) -> bool:
    draft.ascii_only = True
    return True


@operator("done")
def marker_with_blanks(draft: Draft, rng: random.Random) -> bool:
    if draft.done is None:
        return False
    draft.done = rng.choice([" [DONE] ", "[DONE] ", " [DONE]"])
    return True


@operator("done")
def marker_in_small_letters(draft: Draft, rng: random.Random) -> bool:
    if draft.done is None:
        return False
    draft.done = rng.choice(["[done]", "[Done]"])
    return True


@operator("done")
def marker_missing(draft: Draft, rng: random.Random) -> bool:
    if draft.done is None:
        return False
    draft.done = None
    return True


@operator("done")
def events_after_the_marker(draft: Draft, rng: random.Random) -> bool:
    if draft.done is None:
        return False
    more = (b"data: {}", b"data: [DONE]", b": bye", b"data: null", draft._written(draft.blank({"content": "x"})))
    draft.after = rng.choice(more)
    return True


@operator("head of the response")
def content_type_json(draft: Draft, rng: random.Random) -> bool:
    draft.content_type = rng.choice(["application/json", "application/json; charset=utf-8"])
    return True


@operator("head of the response")
def content_type_other(draft: Draft, rng: random.Random) -> bool:
    draft.content_type = rng.choice(["", "text/plain", "text/event-stream;charset=UTF-8", "application/octet-stream"])
    return True


# What breaks an answer


@operator("breaks", must_fail=True)
def an_error_instead_of_the_rest(draft: Draft, rng: random.Random) -> bool:
    at = next((at for at, frame in enumerate(draft.frames) if type(frame) is dict and _finishes(frame)), None)
    if at is None:
        return False
    error: Json = {"message": "overloaded", "type": "server_error", "param": None, "code": rng.choice([None, 503, "x"])}
    draft.frames[rng.randint(0, at) :] = [{"error": error}]
    draft.done = rng.choice([None, "[DONE]"])
    return True


@operator("breaks", must_fail=True)
def the_end_before_the_finish(draft: Draft, rng: random.Random) -> bool:
    first = next((at for at, frame in enumerate(draft.frames) if type(frame) is dict and _finishes(frame)), None)
    if first is None:
        return False
    del draft.frames[rng.randint(0, first) :]
    draft.done = None
    return True


def _finishes(event: Json) -> bool:
    return any(choice.get("finish_reason") for choice in choices_of(event))


@operator("order", keeps_meaning=False)
def an_event_doubled(draft: Draft, rng: random.Random) -> bool:
    at = rng.randrange(len(draft.frames))
    draft.frames.insert(at, copy.deepcopy(draft.frames[at]))
    return True


@operator("order", keeps_meaning=False)
def an_event_lost(draft: Draft, rng: random.Random) -> bool:
    if len(draft.frames) < 2:
        return False
    del draft.frames[rng.randrange(len(draft.frames))]
    return True


@operator("order", keeps_meaning=False)
def events_swapped(draft: Draft, rng: random.Random) -> bool:
    if len(draft.frames) < 2:
        return False
    at = rng.randrange(len(draft.frames) - 1)
    draft.frames[at], draft.frames[at + 1] = draft.frames[at + 1], draft.frames[at]
    return True


@operator("order", keeps_meaning=False)
def two_events_in_one(draft: Draft, rng: random.Random) -> bool:
    at = rng.randrange(len(draft.frames))
    first, second = draft.frames[at], draft.frames[(at + 1) % len(draft.frames)]
    if type(first) is dict and type(second) is dict:
        first["choices"] = [*choices_of(first), *copy.deepcopy(choices_of(second))]
        return True
    return False


ODD: tuple[object, ...] = (None, "", 0, 1.5, True, [], {}, "x", [None], {"a": None})


@operator("odd members", keeps_meaning=False)
def a_member_dropped(draft: Draft, rng: random.Random) -> bool:
    where = rng.choice(_objects(draft))
    name = rng.choice(list(where))
    del where[name]
    return True


@operator("odd members", keeps_meaning=False)
def a_member_odd(draft: Draft, rng: random.Random) -> bool:
    where = rng.choice(_objects(draft))
    where[rng.choice(list(where))] = rng.choice(ODD)
    return True


@operator("odd members", keeps_meaning=False)
def a_member_odd_in_each_event(draft: Draft, rng: random.Random) -> bool:
    name = rng.choice([name for where in _objects(draft) for name in where])
    value = rng.choice(ODD)
    return some([put(where, **{name: copy.deepcopy(value)}) for where in _objects(draft) if name in where])


def _objects(draft: Draft) -> list[Json]:
    """Every object within the events that has members."""
    found: list[Json] = []

    def walk(value: object) -> None:
        if type(value) is dict:
            if value:
                found.append(value)
            for one in value.values():
                walk(one)
        elif type(value) is list:
            for one in value:
                walk(one)

    for event in draft.events:
        walk(event)
    return found or [{"x": 1}]
