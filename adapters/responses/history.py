"""The stored items that a request of the Responses API continues or refers to."""

from collections.abc import Mapping
from typing import Any, NamedTuple

REASONING_TEXT = "banjia_reasoning"
"""The key of a stored ``reasoning`` item that has the vendor's text. Only the store has it: it is removed from the items
that a client sends, and from those that it receives.
"""
Item = dict[str, Any]


class History(NamedTuple):
    """The stored items that a request needs. ``instructions`` of earlier requests are not among them.

    ``items``: the earlier items of the chain or conversation, oldest first. ``referenced``: the items that the
    ``item_reference`` items of the request name, by id.
    """

    items: list[Item]
    referenced: Mapping[str, Item]


NO_HISTORY = History([], {})


def without_text(item: Item) -> Item:
    """Return the item without the text of its reasoning, which only the store may have."""
    return {key: member for key, member in item.items() if key != REASONING_TEXT} if REASONING_TEXT in item else item
