"""What every store must do with conversations."""

import pytest

from proxy.storage import records
from proxy.storage.interface import Store
from proxy.storage.records import ConversationHistory, ItemPage, WriteResult
from tests.proxy.storage.contract.base import Contract, Time, added, conversation, ids_of, item, items

T = "tenant"


class ConversationsContract(Contract):
    """The tests."""

    def test_a_conversation_is_created_read_changed_and_deleted(self) -> None:
        async def work(store: Store, time: Time) -> None:
            conversations = store.conversations
            created = conversation("c", b'{"a":"b"}')
            assert await conversations.create(T, created, items("1", "2")) is WriteResult.DONE
            found = await conversations.get(T, "c")
            assert found is not None
            assert (found.id, found.created_at, found.metadata, found.item_count) == (
                "c",
                created.created_at,
                b'{"a":"b"}',
                2,
            )
            assert found.items_size == sum(len(one.body) for one in items("1", "2"))
            changed = await conversations.update(T, "c", b"{}")
            assert changed == found._replace(metadata=b"{}") == await conversations.get(T, "c")
            assert await conversations.delete(T, "c")
            assert not await conversations.delete(T, "c")
            assert await conversations.get(T, "c") is None
            assert await conversations.update(T, "c", b"{}") is None
            assert await conversations.history(T, "c") == "not_found"
            assert await store.responses.items(T, ["1"]) == {}

        self.run(work)

    def test_items_are_appended_in_order_and_each_append_has_a_new_version(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("c"), [])
            versions = []
            for number in range(3):
                history = await store.conversations.history(T, "c")
                assert isinstance(history, ConversationHistory)
                versions.append(history.version)
                append = added("c", f"{number}a", f"{number}b", expected=history.version)
                assert await store.conversations.append(T, append) is WriteResult.DONE
                assert await store.conversations.append(T, append) is WriteResult.VERSION_CONFLICT
            assert versions == [versions[0], versions[0] + 1, versions[0] + 2]
            assert ids_of(await store.conversations.history(T, "c")) == ["0a", "0b", "1a", "1b", "2a", "2b"]
            assert await store.conversations.append(T, added("other", "x")) is WriteResult.NOT_FOUND

        self.run(work)

    @pytest.mark.parametrize("descending", [False, True])
    def test_pages_follow_each_other_without_gaps(self, descending: bool) -> None:
        async def work(store: Store, time: Time) -> None:
            names = [f"i{number}" for number in range(7)]
            await store.conversations.create(T, conversation("c"), items(*names))
            await store.conversations.delete_item(T, "c", "i3")
            names.remove("i3")
            seen: list[str] = []
            more = True
            while more:
                after = seen[-1] if seen else None
                page = await store.conversations.items(T, "c", after, 2, descending=descending)
                assert isinstance(page, ItemPage)
                assert len(page.items) == 2
                seen += ids_of(page)
                more = page.has_more
            assert seen == (names[::-1] if descending else names)
            assert await store.conversations.items(T, "c", seen[-1], 2, descending=descending) == ItemPage([], False)

        self.run(work)

    def test_an_unknown_item_is_an_error_and_no_empty_page(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("c"), items("1"))
            await store.conversations.create(T, conversation("d"), items("2"))
            assert await store.conversations.items(T, "c", "2", 5, descending=False) == "item_not_found"
            assert await store.conversations.items(T, "x", None, 5, descending=False) == "not_found"
            assert await store.conversations.item(T, "c", "2") == "item_not_found"
            assert await store.conversations.item(T, "x", "1") == "not_found"
            assert await store.conversations.delete_item(T, "c", "2") == "item_not_found"
            assert await store.conversations.delete_item(T, "x", "1") == "not_found"
            assert await store.conversations.item(T, "c", "1") == item("1")

        self.run(work)

    def test_a_deleted_item_is_gone_and_changes_the_version(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("c"), items("1", "2"))
            before = await store.conversations.get(T, "c")
            changed = await store.conversations.delete_item(T, "c", "1")
            assert before is not None
            assert not isinstance(changed, str)
            assert (changed.version, changed.item_count) == (before.version + 1, 1)
            assert changed.items_size == before.items_size - len(item("1").body)
            assert ids_of(await store.conversations.history(T, "c")) == ["2"]
            assert await store.responses.items(T, ["1", "2"]) == {"2": item("2").body}
            stale = added("c", "3", expected=before.version)
            assert await store.conversations.append(T, stale) is WriteResult.VERSION_CONFLICT
            assert await store.conversations.append(T, added("c", "1")) is WriteResult.DONE
            assert ids_of(await store.conversations.history(T, "c")) == ["2", "1"]

        self.run(work)

    def test_an_id_that_a_conversation_has_is_not_added_again(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("c"), items("1"))
            assert await store.conversations.append(T, added("c", "2", "1")) is WriteResult.DUPLICATE_ITEM
            assert await store.conversations.append(T, added("c", "2", "2")) is WriteResult.DUPLICATE_ITEM
            assert await store.conversations.create(T, conversation("d"), items("1", "1")) is WriteResult.DUPLICATE_ITEM
            assert await store.conversations.get(T, "d") is None
            assert ids_of(await store.conversations.history(T, "c")) == ["1"]

        self.run(work)

    def test_a_conversation_is_bounded_in_items_and_its_history_in_bytes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def work(store: Store, time: Time) -> None:
            names = [f"i{number}" for number in range(self.most_items - 1)]
            await store.conversations.create(T, conversation("c"), items(*names))
            assert await store.conversations.append(T, added("c", "x", "y")) is WriteResult.TOO_MANY_ITEMS
            assert await store.conversations.append(T, added("c", "x")) is WriteResult.DONE
            assert await store.conversations.append(T, added("c", "y")) is WriteResult.TOO_MANY_ITEMS
            found = await store.conversations.get(T, "c")
            assert found is not None
            assert found.item_count == self.most_items
            assert await store.conversations.history(T, "c", found.items_size - 1) == "too_many_bytes"
            history = await store.conversations.history(T, "c", found.items_size)
            assert ids_of(history) == [*names, "x"]

        for module in self.modules_with_limits:
            monkeypatch.setattr(module, "MAX_CONVERSATION_ITEMS", self.most_items)
        self.run(work)

    most_items = 20
    modules_with_limits: tuple[object, ...] = (records,)
