"""Whatever a tenant does, it neither finds nor changes what another tenant has."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.storage.interface import Store
from tests.proxy.storage.contract.base import Contract, Time, added, conversation, items, response, running
from tests.support.effort import examples

TENANTS = ["-", "a", "ab", "A", "a\0", "%", "a' OR '1'='1"]
IDS = ["x", "y", "x%"]

Action = Callable[[Store, str, str], Awaitable[Any]]
ACTIONS: dict[str, Action] = {
    "put": lambda store, tenant, id_: store.responses.put(tenant, response(id_)),
    "put_running": lambda store, tenant, id_: store.responses.put(tenant, running(id_)),
    "put_child": lambda store, tenant, id_: store.responses.put(tenant, response(f"{id_}2", id_)),
    "replace": lambda store, tenant, id_: store.responses.put(tenant, response(id_), replaces={"queued"}),
    "put_in_conversation": lambda store, tenant, id_: store.responses.put(
        tenant, response(id_), added(id_, f"{id_}-c")
    ),
    "delete": lambda store, tenant, id_: store.responses.delete(tenant, id_),
    "get": lambda store, tenant, id_: store.responses.get(tenant, id_),
    "chain": lambda store, tenant, id_: store.responses.chain(tenant, f"{id_}2", 5),
    "items": lambda store, tenant, id_: store.responses.items(tenant, [f"{id_}-in", f"{id_}-out", f"{id_}-c", "1"]),
    "create": lambda store, tenant, id_: store.conversations.create(tenant, conversation(id_), items("1", "2")),
    "update": lambda store, tenant, id_: store.conversations.update(tenant, id_, f'{{"of":"{id_}"}}'.encode()),
    "drop": lambda store, tenant, id_: store.conversations.delete(tenant, id_),
    "append": lambda store, tenant, id_: store.conversations.append(tenant, added(id_, "3")),
    "history": lambda store, tenant, id_: store.conversations.history(tenant, id_),
    "page": lambda store, tenant, id_: store.conversations.items(tenant, id_, "1", 5, descending=False),
    "item": lambda store, tenant, id_: store.conversations.item(tenant, id_, "1"),
    "delete_item": lambda store, tenant, id_: store.conversations.delete_item(tenant, id_, "1"),
    "take": lambda store, tenant, id_: store.leases.take(tenant, id_, "one", 60),
    "take_other": lambda store, tenant, id_: store.leases.take(tenant, id_, "two", 60),
    "release": lambda store, tenant, id_: store.leases.release(tenant, id_, "one"),
    "append_events": lambda store, tenant, id_: store.runs.append_events(tenant, id_, 0, [b"0"]),
    "events": lambda store, tenant, id_: store.runs.events(tenant, id_, 0),
    "drop_events": lambda store, tenant, id_: store.runs.drop_events(tenant, id_),
    "put_value": lambda store, tenant, id_: store.values.put("k", tenant, [id_], id_.encode(), 60),
    "get_value": lambda store, tenant, id_: store.values.get("k", tenant, IDS),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.sampled_from(TENANTS), st.sampled_from(IDS)), max_size=40
)


class TenantsContract(Contract):
    """The test."""

    def test_a_tenant_sees_the_same_whether_others_use_the_store_or_not(self) -> None:
        @settings(max_examples=examples(60), deadline=None)
        @given(STEPS)
        def check(steps: Sequence[tuple[str, str, str]]) -> None:
            shared: list[Any] = []

            async def together(store: Store, time: Time) -> None:
                for name, tenant, id_ in steps:
                    shared.append(await ACTIONS[name](store, tenant, id_))

            async def alone(own: str, store: Store, time: Time) -> None:
                for (name, tenant, id_), seen in zip(steps, shared, strict=True):
                    if tenant == own:
                        assert _comparable(await ACTIONS[name](store, tenant, id_)) == _comparable(seen), name

            self.run(together)
            for own in {tenant for _, tenant, _ in steps}:
                self.run(partial(alone, own))

        check()


def _comparable(result: Any) -> Any:
    """Sequences compare as lists, whatever type the store returns."""
    return repr(result).replace("(", "[").replace(")", "]").replace(",]", "]")
