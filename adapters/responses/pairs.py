"""The calls in a list of items, each with its output. Chat vendors refuse a conversation in which one is missing.

The errors are in OpenAI's words. Source: its API, as quoted in openai/openai-agents-python#673 and leookun/cursor-byok#307.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.responses.history import Item

CALLS: Mapping[str, str] = {"function_call": "function call", "custom_tool_call": "custom tool call"}
"""The types of calls that chat has, each with its name in errors."""
OUTPUTS: Mapping[str, str] = {f"{type_}_output": name for type_, name in CALLS.items()}
LONGEST_ID = 64
"""How many characters of an id are shown in an error."""


class PlacedItem(NamedTuple):
    """An item of a request, and its path. ``stored``: it comes from the store, not from the client."""

    where: str
    item: Item
    stored: bool = False


def pair_calls(items: Sequence[PlacedItem]) -> dict[int, PlacedItem]:
    """Return the output of each call, by the index of the call in ``items``.

    Raises Refused for a call without output, an output without call, and a second output. A call is not among them if it
    is incomplete and has no output, or if the client has sent again the one that its history has.
    """
    pairs: dict[int, PlacedItem] = {}
    waiting: dict[str, int] = {}
    answered: set[str] = set()
    for index, placed in enumerate(items):
        kind = placed.item["type"]
        if kind in CALLS:
            id_ = str(placed.item["call_id"])
            before = waiting.setdefault(id_, index)
            if before != index and not _same(items[before].item, placed.item):
                raise _refused(Message("Two calls without an output between them have call_id {id}.", id=_short(id_)))
        elif kind in OUTPUTS:
            id_, name = str(placed.item["call_id"]), OUTPUTS[kind]
            call = waiting.pop(id_, None)
            if call is None and id_ in answered:
                raise _refused(Message("Duplicate tool output found for {kind} {id}.", kind=name, id=_short(id_)))
            if call is None:
                raise _refused(
                    Message("No tool call found for {kind} output with call_id {id}.", kind=name, id=_short(id_))
                )
            pairs[call] = placed
            answered.add(id_)
    for id_, call in waiting.items():
        item = items[call].item
        if item.get("status") != "incomplete":
            name = CALLS[item["type"]]
            raise _refused(Message("No tool output found for {kind} {id}.", kind=name, id=_short(id_)))
    return pairs


def _short(id_: str) -> str:
    return id_ if len(id_) <= LONGEST_ID else f"{id_[:LONGEST_ID]}…"


def _same(call: Item, other: Item) -> bool:
    return all(call.get(name) == other.get(name) for name in ("type", "name", "namespace", "arguments", "input"))


def _refused(message: Message) -> Refused:
    return Refused("input", message, code=None)
