"""Check access_key_id and secret_key, which take the place of an API key at vendors that issue temporary keys."""

from collections.abc import Iterator

from adapters.core.message import Message
from adapters.core.vendor import Vendor
from config.lint.context import LintContext
from config.nodes import Node, find
from config.schema import VendorEntry

PAIR = ("access_key_id", "secret_key")
"""The keys of a vendor entry that make a pair."""
ONLY_WITH_A_PAIR = ("token_url", "project")
"""The keys that have an effect only with a pair."""


def key_pair(context: LintContext, where: tuple[str, ...], entry: VendorEntry, vendor: Vendor) -> None:
    """Check that the vendor takes a key pair in its region, and that no key depends on a pair that is not there."""
    given = [key for key in PAIR if find(context.root, *where, key) is not None]
    exchange = vendor.token_exchange
    if not given:
        for key in ONLY_WITH_A_PAIR:
            if key in entry.model_fields_set and getattr(entry, key):
                problem = Message("{key} has an effect only with access_key_id and secret_key", key=key)
                context.error((*where, key), problem, Message("the key omitted, or both of them"), at_key=True)
    elif exchange is None:
        problem = Message("{vendor} takes an API key, not {key}", vendor=vendor.title, key=given[0])
        context.error((*where, given[0]), problem, Message("api_key"), at_key=True)
    elif entry.token_url is None and entry.region not in exchange.issuers:
        problem = Message(
            "the host that issues temporary keys in the region {region} is not known", region=entry.region
        )
        context.error((*where, given[0]), problem, Message("api_key, or token_url with its URL"), at_key=True)


def pair_nodes(root: Node, name: str) -> list[Node]:
    """Return the nodes of the keys of a pair that a vendor entry has."""
    return list(_pair_nodes(root, name))


def _pair_nodes(root: Node, name: str) -> Iterator[Node]:
    for key in PAIR:
        node = find(root, "vendors", name, key)
        if node is not None:
            yield node


def missing_half(root: Node, name: str) -> Message | None:
    """Return that one key of a pair is missing; None if the entry has both or none."""
    missing = [key for key in PAIR if find(root, "vendors", name, key) is None]
    return Message("{key} is missing", key=missing[0]) if len(missing) == 1 else None
