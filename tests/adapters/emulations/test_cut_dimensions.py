"""Cut vectors: a smaller size is the beginning of a larger vector, with length 1, in whatever form it came."""

from base64 import b64decode, b64encode
from math import fsum, inf, isclose, nan
from struct import pack, unpack
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.core.adaptations import adaptations_header
from adapters.core.failures import Refused
from adapters.core.model import Model
from adapters.core.request import ApiRequest
from adapters.core.vendor import Plan, Target
from adapters.core.wire import Head
from adapters.emulations.cut_dimensions import normalized
from adapters.planning import plan
from adapters.registry import BY_CATALOG
from tests.adapters.play import Play

JSON = [(b"content-type", b"application/json")]
BY_SIZES = sorted(name for name, vendor in BY_CATALOG.items() if "embeddings" in vendor.operations)
floats32 = st.floats(-8, 8, width=32)


def made(size: int, *, vendor: str = "ernie", offered: Any = (4,), inputs: Any = "a", **more: Any) -> Plan:
    facts = {"dimensions": list(offered), "prefix_dimensions": more.pop("prefixes", True), "max_inputs": 2}
    model = Model("m", operation="embeddings", facts=facts)
    fields = {"input": inputs, "dimensions": size, **more.pop("fields", {})}
    where = Target(vendor, BY_CATALOG[vendor], model, "https://host", **more)
    return plan(ApiRequest("embeddings", "text-embedding-3-small", fields), where)


def reply(*vectors: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def packed(vector: list[float]) -> str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode()


def unpacked(text: str) -> list[float]:
    raw = b64decode(text)
    return list(unpack(f"<{len(raw) // 4}f", raw))


@pytest.mark.parametrize("vendor", BY_SIZES)
def test_a_smaller_size_is_emulated_and_reported_and_not_sent_to_a_model_with_one_size(vendor: str) -> None:
    found = made(2, vendor=vendor)
    assert "dimensions" not in found.request.fields
    assert found.emulations["dimensions"] == 2
    assert "dimensions=emulated" in str(adaptations_header(found.adaptations))


@pytest.mark.parametrize(("size", "sent"), [(3, 4), (4, 4), (5, 8), (8, 8)])
def test_a_size_is_cut_from_the_next_larger_one_that_the_model_offers(size: int, sent: int) -> None:
    found = made(size, offered=(8, 4))
    assert found.request.fields["dimensions"] == sent
    assert found.adaptations["dimensions"].word == ("honoured" if size == sent else "emulated")


@pytest.mark.parametrize("vendor", BY_SIZES)
def test_a_larger_size_is_refused(vendor: str) -> None:
    with pytest.raises(Refused) as caught:
        made(5, vendor=vendor)
    assert (caught.value.param, caught.value.code) == ("dimensions", "unsupported_parameter")


def test_without_the_fact_a_smaller_size_is_refused_as_before_and_a_compatible_server_decides_itself() -> None:
    with pytest.raises(Refused) as caught:
        made(2, prefixes=False)
    assert "the model offers vectors of size 4, not 2" in str(caught.value.message)
    assert made(2, vendor="openai_compatible", prefixes=False).request.fields["dimensions"] == 2


def test_switched_off_it_is_refused_with_the_cure_and_under_strict_it_is_emulated_still() -> None:
    with pytest.raises(Refused) as caught:
        made(2, disabled_emulations=frozenset({"dimensions"}))
    assert "emulate: {dimensions: on}" in str(caught.value.message)
    assert made(2, strict=True).adaptations["dimensions"].word == "emulated"


def test_an_operators_set_is_emulated_too_and_openais_width_counts_as_given() -> None:
    for width in (2, 3):
        found = made(4, overrides={"dimensions": 2}, strict=True, openai_dimensions=width)
        assert (found.emulations["dimensions"], found.adaptations["dimensions"].word) == (2, "emulated")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(floats32, min_size=4, max_size=4), min_size=1, max_size=2), st.integers(1, 3), st.booleans())
def test_a_cut_vector_is_the_beginning_with_the_length_one(
    vectors: list[list[float]], size: int, as_text: bool
) -> None:
    fields = {"encoding_format": "base64"} if as_text else {}
    play = Play(made(size, vendor="openai_compatible", inputs=["a", "b"][: len(vectors)], fields=fields))
    play.json(reply(*(packed(vector) if as_text else vector for vector in vectors)))
    (event,) = play.events
    for item, vector in zip(event.data["data"], vectors, strict=True):
        got = unpacked(item["embedding"]) if as_text else item["embedding"]
        length = fsum(number * number for number in vector[:size]) ** 0.5
        assert len(got) == size
        if length:
            assert all(
                isclose(number * length, before, rel_tol=1e-6, abs_tol=1e-6)
                for number, before in zip(got, vector, strict=False)
            )
            assert length < 1e-20 or isclose(fsum(number * number for number in got), 1, rel_tol=1e-5)
        else:
            assert got == vector[:size]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_cut_of_the_bytes_gives_the_same(data: st.DataObject) -> None:
    body = orjson.dumps(reply([3, 4, 0.5, 7], [0.0, -2, 1, 1]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    play = Play(made(2, inputs=["a", "b"])).head(kind="application/json")
    for begin, end in zip([0, *cuts], [*cuts, len(body)], strict=True):
        play.data(body[begin:end])
    play.over()
    assert [item["embedding"] for item in play.events[0].data["data"]] == [[0.6, 0.8], [0, -1]]


def test_batches_are_cut_and_joined_in_order() -> None:
    play = Play(made(2, inputs=["a", "b", "c", "d", "e"]))
    assert len(play.sends) == 3
    for id_ in (3, 1, 2):
        count = 1 if id_ == 3 else 2
        vectors = [[0, float(2 * id_ + at), 9, 9] if at else [-1.0, 0, id_, 9] for at in range(count)]
        play.got(Head(id_, 200, JSON)).data(orjson.dumps(reply(*vectors)), id_=id_).over(id_=id_)
    assert play.done
    (event,) = play.events
    assert [item["embedding"] for item in event.data["data"]] == [[-1, 0], [0, 1], [-1, 0], [0, 1], [-1, 0]]
    assert [item["index"] for item in event.data["data"]] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("vector", [[1.0], "AAAAPw==", "????", "AAA=", packed([1.0])])
def test_a_vector_that_is_too_short_is_a_failure_and_no_answer(vector: Any) -> None:
    play = Play(made(2, vendor="openai_compatible")).json(reply(vector))
    assert play.failure.kind == "invalid_response"
    assert "fewer than the 2 that were requested" in play.failure.message
    assert play.events == []
    assert play.spent, "the vendor bills it all the same"


def test_an_error_of_the_vendor_keeps_its_meaning() -> None:
    play = Play(made(2)).json({"error": {"message": "slow", "code": "rpm_rate_limit_exceeded"}}, status=429)
    assert play.failure.kind == "rate_limited"


@pytest.mark.parametrize("vector", [[0.0, 0.0], [nan, 1.0], [inf, 1.0], [1e308, 1.7e308]])
def test_a_vector_without_a_finite_length_stays_as_it_is(vector: list[float]) -> None:
    assert repr(normalized(vector)) == repr(vector)
