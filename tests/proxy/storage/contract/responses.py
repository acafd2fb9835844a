"""What every store must do with responses and chains."""

import orjson

from proxy.storage.interface import Store
from proxy.storage.records import BrokenChain, Chain, WriteResult
from tests.proxy.storage.contract.base import (
    DAY,
    START,
    Contract,
    Time,
    added,
    conversation,
    ids_of,
    item,
    items,
    response,
    running,
)

T = "tenant"


class ResponsesContract(Contract):
    """The tests."""

    def test_a_response_is_returned_as_it_was_stored(self) -> None:
        async def work(store: Store, time: Time) -> None:
            stored = response("a", "before", conversation="conv", owner="one", run=b"x", background=True)
            assert await store.responses.put(T, stored) is WriteResult.DONE
            found = await store.responses.get(T, "a")
            assert found is not None
            assert found.json() == stored.json()
            assert [*found.input, *found.output] == [*stored.input, *stored.output]
            for name in ("id", "status", "created_at", "expires_at", "body", "previous", "conversation", "background",
                         "model", "target", "owner", "run"):  # fmt: skip
                assert getattr(found, name) == getattr(stored, name), name
            assert await store.responses.get(T, "b") is None

        self.run(work)

    def test_the_object_contains_the_output_items(self) -> None:
        stored = response("a", output=[item("x"), item("y")])
        assert [one["id"] for one in orjson.loads(stored.json())["output"]] == ["x", "y"]
        assert orjson.loads(response("a", body=b"{}", output=()).json()) == {"output": []}

    def test_a_response_without_items_and_with_large_ones_is_kept(self) -> None:
        async def work(store: Store, time: Time) -> None:
            text = "long " * 2_000
            await store.responses.put(T, response("a", input=(), output=()))
            await store.responses.put(T, response("b", body=b'{"t":"%s"}' % text.encode(), input=[item("i", text)]))
            first, second = await store.responses.get(T, "a"), await store.responses.get(T, "b")
            assert first is not None
            assert second is not None
            assert (list(first.input), list(first.output)) == ([], [])
            assert second.body == b'{"t":"%s"}' % text.encode()
            assert list(second.input) == [item("i", text)]

        self.run(work)

    def test_a_later_version_takes_the_place_of_an_earlier_one_with_its_items(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a", input=[item("old")]))
            done = response("a", input=[item("new")], output=[item("out")], background=True)
            assert await store.responses.put(T, done, replaces={"queued"}) is WriteResult.DONE
            found = await store.responses.get(T, "a")
            assert found is not None
            assert (found.status, found.run) == ("completed", b"")
            assert [one.id for one in [*found.input, *found.output]] == ["new", "out"]
            assert set(await store.responses.items(T, ["old", "new", "out"])) == {"new", "out"}

        self.run(work)

    def test_a_conditional_write_changes_neither_another_status_nor_a_deleted_response(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a", status="cancelled"))
            put = store.responses.put
            assert await put(T, response("a"), replaces={"queued", "in_progress"}) is WriteResult.STATUS_CONFLICT
            assert await put(T, response("b"), replaces={"in_progress"}) is WriteResult.NOT_FOUND
            found = await store.responses.get(T, "a")
            assert found is not None
            assert found.status == "cancelled"
            assert await store.responses.get(T, "b") is None

        self.run(work)

    def test_an_expired_response_and_its_items_are_not_found(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a", expires_at=START + 10))
            time.now += 9.5
            assert await store.responses.get(T, "a") is not None
            assert await store.responses.items(T, ["a-out"])
            time.now += 0.5
            assert await store.responses.get(T, "a") is None
            assert await store.responses.items(T, ["a-out"]) == {}
            assert await store.responses.chain(T, "a") == BrokenChain("missing", "a")
            assert await store.responses.put(T, response("a"), replaces={"completed"}) is WriteResult.NOT_FOUND
            assert not await store.responses.delete(T, "a")

        self.run(work)

    def test_a_deleted_response_is_gone_with_its_items_and_events(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, running("a"))
            await store.runs.append_events(T, "a", 0, [b"one"])
            assert await store.responses.delete(T, "a")
            assert not await store.responses.delete(T, "a")
            assert await store.responses.get(T, "a") is None
            assert await store.responses.items(T, ["a-in", "a-out"]) == {}
            assert await store.runs.events(T, "a", 0) is None
            await store.responses.put(T, running("a"))
            assert await store.runs.events(T, "a", 0) is None

        self.run(work)

    def test_a_chain_is_read_oldest_first_with_the_new_items_of_each_link(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a", input=items("a1", "a2"), output=items("a3", "a4")))
            await store.responses.put(T, response("b", "a", input=()))
            await store.responses.put(T, response("c", "b", status="incomplete"))
            await store.responses.put(T, response("d", "b"))
            chain = await store.responses.chain(T, "c")
            assert isinstance(chain, Chain)
            assert [(link.id, link.status) for link in chain.links] == [
                ("a", "completed"), ("b", "completed"), ("c", "incomplete"),
            ]  # fmt: skip
            assert [one.id for one in chain.items()] == ["a1", "a2", "a3", "a4", "b-out", "c-in", "c-out"]
            branch = await store.responses.chain(T, "d")
            assert isinstance(branch, Chain)
            assert [link.id for link in branch.links] == ["a", "b", "d"]
            assert list(chain.items())[4] == item("b-out")

        self.run(work)

    def test_a_missing_link_is_reported_with_its_id(self) -> None:
        async def work(store: Store, time: Time) -> None:
            for id_, previous in (("a", None), ("b", "a"), ("c", "b")):
                await store.responses.put(T, response(id_, previous))
            await store.responses.delete(T, "a")
            assert await store.responses.chain(T, "c") == BrokenChain("missing", "a")
            assert await store.responses.chain(T, "x") == BrokenChain("missing", "x")
            assert await store.responses.get(T, "c") is not None

        self.run(work)

    def test_a_chain_is_bounded_in_links_and_in_bytes(self) -> None:
        async def work(store: Store, time: Time) -> None:
            previous = None
            for id_ in ("a", "b", "c"):
                await store.responses.put(T, response(id_, previous, input=(), output=[item(f"{id_}-out", "x" * 60)]))
                previous = id_
            size = 3 * len(item("a-out", "x" * 60).body)
            assert isinstance(await store.responses.chain(T, "c", most_links=3), Chain)
            assert await store.responses.chain(T, "c", most_links=2) == BrokenChain("too_many_links", "c")
            assert isinstance(await store.responses.chain(T, "c", most_bytes=size), Chain)
            assert await store.responses.chain(T, "c", most_bytes=size - 1) == BrokenChain("too_many_bytes", "c")

        self.run(work)

    def test_a_chain_that_refers_to_itself_ends(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a", "b"))
            await store.responses.put(T, response("b", "a"))
            assert await store.responses.chain(T, "a", most_links=10) == BrokenChain("too_many_links", "a")

        self.run(work)

    def test_items_are_found_by_id_in_responses_and_conversations(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a", output=[item("x", "first")]))
            await store.conversations.create(T, conversation("conv"), items("y"))
            await store.responses.put(T, response("b", "a", input=[item("x", "changed")]))
            found = await store.responses.items(T, ["a-in", "x", "y", "z"])
            assert found == {"a-in": item("a-in").body, "x": item("x", "first").body, "y": item("y").body}
            await store.responses.delete(T, "a")
            assert await store.responses.items(T, ["x"]) == {"x": item("x", "changed").body}
            assert await store.responses.items(T, []) == {}

        self.run(work)

    def test_more_items_are_found_at_once_than_a_statement_has_parameters(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a"))
            asked = [*(f"unknown{number}" for number in range(40_000)), "a-out"]
            assert set(await store.responses.items(T, asked)) == {"a-out"}

        self.run(work)

    def test_a_response_and_its_append_to_a_conversation_are_written_together(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("conv"), items("1"))
            appended = added("conv", "a-in", "a-out")
            assert await store.responses.put(T, response("a", conversation="conv"), appended) is WriteResult.DONE
            history = await store.conversations.history(T, "conv")
            assert ids_of(history) == ["1", "a-in", "a-out"]
            await store.responses.delete(T, "a")
            assert ids_of(await store.conversations.history(T, "conv")) == ["1", "a-in", "a-out"]
            assert set(await store.responses.items(T, ["a-out"])) == {"a-out"}

        self.run(work)

    def test_if_the_append_fails_the_response_is_not_stored(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.conversations.create(T, conversation("conv"), items("1"))
            kept = await store.conversations.history(T, "conv")
            assert not isinstance(kept, str)
            put = store.responses.put
            stale = added("conv", "2", expected=kept.version - 1)
            assert await put(T, response("a"), stale) is WriteResult.VERSION_CONFLICT
            assert await put(T, response("a"), added("none", "2")) is WriteResult.CONVERSATION_NOT_FOUND
            assert await put(T, response("a"), added("conv", "1")) is WriteResult.DUPLICATE_ITEM
            assert await put(T, response("a"), added("conv", "2", "2")) is WriteResult.DUPLICATE_ITEM
            assert await store.responses.get(T, "a") is None
            assert await store.conversations.history(T, "conv") == kept
            assert await put(T, response("a"), added("conv", "2", expected=kept.version)) is WriteResult.DONE

        self.run(work)

    def test_texts_outside_ascii_and_bytes_of_any_kind_are_kept(self) -> None:
        async def work(store: Store, time: Time) -> None:
            stored = response("ä\0'\"", model="模型", input=[item("数", "早上好")])
            await store.responses.put("租户", stored)
            found = await store.responses.get("租户", "ä\0'\"")
            assert found is not None
            assert (found.model, list(found.input)) == ("模型", [item("数", "早上好")])

        self.run(work)

    def test_an_old_response_is_kept_for_its_whole_time(self) -> None:
        async def work(store: Store, time: Time) -> None:
            await store.responses.put(T, response("a"))
            time.now += 30 * DAY - 1
            assert await store.responses.get(T, "a") is not None

        self.run(work)
