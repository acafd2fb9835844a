"""Errors are recognized in every format that vendors send, and no answer is mistaken for an error."""

from typing import Any

import pytest

from adapters.codecs.openai.errors import any_error, find_error, named_fields, text_of
from adapters.core.failures import Kind
from tests.adapters.play import Play, chat_plan

CHUNK = {"id": "c", "created": 1, "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}]}
WORDS = "it went wrong"

SHAPES: dict[str, Any] = {
    "object": {"error": {"code": "x", "type": "y", "message": WORDS}},
    "object beside empty choices": {"error": {"message": WORDS}, "choices": []},
    "object beside a choice": {"error": {"message": WORDS}, "choices": CHUNK["choices"]},
    "object in a list": [{"error": {"code": 503, "message": WORDS, "status": "UNAVAILABLE"}}],
    "object of an object": {"error": {"message": {"content": {"message": WORDS}}}},
    "object with errors": {"error": {"errors": [{"message": WORDS}]}},
    "text": {"error": WORDS},
    "text with a message beside it": {"timestamp": 1, "error": "Failed", "message": WORDS},
    "flag": {"error": True, "message": WORDS},
    "errors as a list": {"errors": [{"code": 7003, "message": WORDS}], "success": False, "result": None},
    "errors as texts": {"errors": [WORDS, "and more"]},
    "errors as an object": {"errors": {"message": WORDS}},
    "detail as a text": {"detail": WORDS},
    "detail as a list": {"detail": [{"loc": ["body", "top_p"], "msg": WORDS, "type": "value_error"}]},
    "detail as an object": {"detail": {"error": {"message": WORDS}}},
    "message": {"object": "error", "message": WORDS, "type": "BadRequestError", "param": None, "code": None},
    "message beside null choices": {"message": WORDS, "choices": None},
    "message beside null data": {"code": 20015, "message": WORDS, "data": None},
    "message beside empty data": {"code": 20015, "message": WORDS, "data": {}},
    "msg": {"code": 336501, "msg": WORDS},
    "error_msg": {"error_code": 336501, "error_msg": WORDS, "id": "as-1"},
    "base_resp": {"id": "x", "choices": None, "base_resp": {"status_code": 1000, "status_msg": WORDS}},
    "base_resp beside choices": {"choices": CHUNK["choices"], "base_resp": {"status_code": 1000, "status_msg": WORDS}},
    "Response": {"Response": {"Error": {"Code": "InternalError", "Message": WORDS}, "RequestId": "1"}},
    "with a type": {"type": "error", "error": {"type": "api_error", "message": WORDS, "http_code": "500"}},
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_inside_200_is_found_in_every_shape(shape: str, stream: bool) -> None:
    failure = Play(chat_plan("openai_compatible", stream=stream)).json(SHAPES[shape]).failure
    assert failure.kind not in ("invalid_response", "truncated")
    assert WORDS in failure.message


@pytest.mark.parametrize("shape", SHAPES)
def test_an_error_with_a_status_keeps_the_vendors_words(shape: str) -> None:
    failure = Play(chat_plan("openai_compatible")).json(SHAPES[shape], status=418).failure
    assert failure.message.startswith("The server answered 418: ")
    assert WORDS in failure.message


@pytest.mark.parametrize("before", [[], [CHUNK]])
@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "base_resp beside choices"])
def test_an_error_as_an_event_is_found_in_every_shape(shape: str, before: list[Any]) -> None:
    play = Play(chat_plan("openai_compatible")).head().sse(*before, SHAPES[shape], "[DONE]")
    assert WORDS in play.failure.message
    assert len(play.events) == len(before)


MESSAGE = {"role": "assistant", "content": "fine"}
WHOLE = {"id": "c", "created": 1, "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]}
BESIDE: dict[str, dict[str, Any]] = {
    "error: null": {"error": None},
    "error: empty text": {"error": ""},
    "error: empty object": {"error": {}},
    "errors: none": {"errors": []},
    "errors: a warning": {"errors": ["deprecated"]},
    "code: 0": {"code": 0, "message": "Success"},
    "code: 200": {"code": 200, "msg": "ok"},
    "code: null": {"code": None, "message": ""},
    "message: empty": {"message": ""},
    "message: some": {"message": "cached"},
    "detail": {"detail": "high"},
    "success": {"success": True, "status": "ok"},
    "status: 500 of something else": {"status": 500},
    "base_resp: 0": {"base_resp": {"status_code": 0, "status_msg": ""}},
    "base_resp: text 0": {"base_resp": {"status_code": "0", "status_msg": "success"}},
    "base_resp: empty": {"base_resp": {}},
    "base_resp: null": {"base_resp": None},
    "error_code: 0": {"error_code": 0, "error_msg": "success"},
}


@pytest.mark.parametrize("beside", BESIDE)
def test_no_answer_is_taken_for_an_error(beside: str) -> None:
    assert Play(chat_plan("openai_compatible", stream=False)).json({**WHOLE, **BESIDE[beside]}).done
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    play = Play(chat_plan("openai_compatible")).head()
    play.sse(*({**event, **BESIDE[beside]} for event in (CHUNK, CHUNK, {**CHUNK, **end})), "[DONE]")
    assert play.done
    assert len(play.events) == 3


@pytest.mark.parametrize("beside", [*BESIDE, ""])
def test_an_event_with_usage_alone_is_no_error(beside: str) -> None:
    if beside in ("error: empty object", "errors: a warning"):
        return
    usage = {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
    assert find_error({"object": "chat.completion.chunk", "choices": [], **usage, **BESIDE.get(beside, {})}) is None


@pytest.mark.parametrize(
    "data",
    [
        None, 5, "text", [], [1], [{}], [[{"error": "x"}]], {}, {"error": None}, {"message": ""}, {"code": 0},
        {"code": "0", "msg": "ok"}, {"message": "Success", "data": {"models": []}}, {"object": "list", "data": []}, {"type": "ping"}, {"Response": {"Id": "1"}},
        {"Response": {"Error": {}}}, {"base_resp": {"status_msg": "x"}}, {"data": [{"embedding": [1.0]}], "message": "x"},
        {"results": [{"flagged": False}], "message": "x"}, {"code": 20000, "status": True, "message": "Ok", "data": {}},
    ],
)  # fmt: skip
def test_bodies_without_an_error_give_none(data: Any) -> None:
    assert find_error(data) is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 429, "message": "Rate limit exceeded"}, "rate_limited"),
        ({"code": "429", "message": "slow down"}, "rate_limited"),
        ({"code": 402, "message": "Insufficient credits"}, "no_funds"),
        ({"code": 401, "message": "No auth credentials found"}, "key_refused"),
        ({"code": 404, "message": "No endpoints found"}, "model_not_found"),
        ({"code": 400, "message": "bad value"}, "bad_request"),
        ({"code": 408, "message": "timed out"}, "vendor_error"),
        ({"code": 503, "message": "no provider"}, "overloaded"),
        ({"code": None, "http_code": "400", "message": "invalid params (2013)"}, "bad_request"),
        ({"code": 400003, "message": "x"}, "vendor_error"),
        ({"code": True, "message": "x"}, "vendor_error"),
        ({"code": "４２９", "message": "x"}, "vendor_error"),
    ],
)
@pytest.mark.parametrize("flat", [False, True])
def test_a_status_in_the_error_counts_inside_200(error: dict[str, Any], kind: Kind, flat: bool) -> None:
    body = error if flat else {"error": error}
    assert Play(chat_plan("openai_compatible", stream=False)).json(body).failure.kind == kind
    play = Play(chat_plan("openai_compatible")).head().sse(body)
    assert (play.failure.kind, play.failure.cause) == (kind, "error_in_200")


def test_a_status_in_the_error_does_not_win_over_that_of_http() -> None:
    failure = Play(chat_plan("openai_compatible")).json({"error": {"code": 401, "message": "x"}}, status=500).failure
    assert failure.kind == "vendor_error"


def test_fastapis_list_names_each_field_and_the_first_is_the_parameter() -> None:
    detail = [
        {"type": "extra_forbidden", "loc": ["body", "top_k"], "msg": "Extra inputs are not permitted", "input": 1},
        {"type": "missing", "loc": ["body", "messages", 0, "role"], "msg": "Field required"},
    ]
    failure = Play(chat_plan("openai_compatible")).json({"detail": detail}, status=422).failure
    text = "The server answered 422: top_k: Extra inputs are not permitted; messages.0.role: Field required."
    assert (failure.kind, failure.message, failure.param) == ("bad_request", text, "top_k")


@pytest.mark.parametrize(
    ("param", "reported"),
    [("top_p", "top_p"), ("messages[0].content", "messages[0].content"), (None, None), ("", None), ("body", None),
     ("a b", None), ("x" * 65, None), (5, None), (["top_p"], None)],
)  # fmt: skip
def test_the_parameter_that_a_vendor_names_is_the_callers(param: Any, reported: str | None) -> None:
    error = {"error": {"message": "no", "type": "invalid_request_error", "param": param}}
    assert Play(chat_plan("openai_compatible")).json(error, status=400).failure.param == reported


def test_the_words_of_a_provider_behind_a_router_are_passed_on() -> None:
    error = {"code": 400, "message": "Provider returned error", "metadata": {"raw": '{"detail":"no such voice"}'}}
    failure = Play(chat_plan("openai_compatible")).json({"error": error}, status=400).failure
    assert failure.message == 'The server answered 400: Provider returned error: {"detail":"no such voice"}.'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'"Api key is invalid"', "Api key is invalid"),
        (b"Unauthorized\n", "Unauthorized"),
        ("余额不足".encode(), "余额不足"),
        (b'{"reason":"nope"}', "{'reason': 'nope'}"),
        (b"{}", "no reason given"),
        (b"", "an empty body"),
        (b"<html>secret</html>", "an HTML page"),
        (b'{"broken', "a body that is not a JSON object"),
        (b"\xff\xfe", "a body that is not a JSON object"),
        (b"x" * 501, "a body that is not a JSON object"),
    ],
)
def test_a_failed_call_without_a_known_shape_is_reported_in_its_own_words(body: bytes, text: str) -> None:
    failure = Play(chat_plan("openai_compatible")).head(500, "text/plain").data(body).over().failure
    assert failure.message == f"The server answered 500: {text}."


@pytest.mark.parametrize("value", [[[[["x"]]]], {"message": {"message": {"message": {"message": {"message": "x"}}}}}])
def test_words_are_looked_for_to_a_certain_depth(value: Any) -> None:
    assert len(text_of(value)) < 200


def test_a_huge_error_is_read_in_part() -> None:
    words = "w" * 100_000
    for data in ({"errors": [words] * 10_000}, {"detail": [{"loc": ["x"] * 9999, "msg": words}]}, {"error": words}):
        found = find_error(data)
        assert found is not None
        assert len(str(found["message"])) < 8 * 5000 or found["message"] == words
    assert len(str(any_error({"x": words})["message"])) < 1000


def test_an_error_beside_the_text_of_a_later_chunk_is_found() -> None:
    chunks = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]} for text in "ab"]
    chunks[1]["base_resp"] = {"status_code": 1008, "status_msg": "insufficient balance"}  # type: ignore[assignment]
    failure = Play(chat_plan("openai_compatible")).head().sse(*chunks).failure
    assert (failure.kind, "insufficient balance" in failure.message) == ("no_funds", True)


@pytest.mark.parametrize("member", ["success", "status"])
def test_a_message_beside_a_success_is_no_error(member: str) -> None:
    assert find_error({member: True, "message": "done"}) is None
    assert find_error({member: False, "message": "failed"}) is not None


def test_words_that_stand_twice_in_an_error_are_passed_on_once() -> None:
    found = find_error({"error": "it went wrong: no such thing", "message": "no such thing"})
    assert found is not None
    assert found["message"] == "it went wrong: no such thing"


@pytest.mark.parametrize(
    "param", ["stream_options", "stream_options.include_usage", "#/stream_options", "stream_options[0]"]
)
def test_a_field_that_was_added_is_known_by_any_path_into_it(param: str) -> None:
    assert named_fields(["stream_options", "thinking"], [param], "unknown") == ("stream_options",)


@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_that_is_nested_too_deeply_goes_by_its_status(status: int) -> None:
    body = b'{"text":"' + b"a" * 66_000 + b'","error":' + b"[" * 100 + b"]" * 100 + b"}"
    failure = Play(chat_plan("openai_compatible", stream=False)).head(status).data(body).over().failure
    assert failure.kind == {400: "bad_request", 429: "rate_limited", 500: "vendor_error"}[status]


def test_a_status_in_words_is_the_type_of_an_error_and_one_in_figures_is_not() -> None:
    for status, type_ in (("UNAVAILABLE", "UNAVAILABLE"), (503, None)):
        found = find_error({"error": {"message": WORDS, "status": status}})
        assert found is not None
        assert found["type"] == type_


def test_the_words_beside_errors_without_any_are_passed_on() -> None:
    found = find_error({"errors": [{}], "message": WORDS})
    assert found is not None
    assert WORDS in found["message"]


def test_a_message_beside_no_vectors_is_an_error() -> None:
    assert find_error({"message": WORDS, "data": []}) is not None
    assert find_error({"message": WORDS, "data": [{"embedding": [0.5]}]}) is None


def test_a_body_that_reports_failure_is_an_error_whatever_its_code() -> None:
    assert find_error({"success": False, "code": 0, "message": WORDS}) is not None
    assert find_error({"success": None, "code": 0, "message": "ok"}) is None


def told(error: Any) -> str:
    """The message of a 400 with this error."""
    return Play(chat_plan("openai_compatible")).json({"error": error}, status=400).failure.message


def test_the_client_gets_500_characters_of_an_error_and_no_part_of_a_word() -> None:
    begin, most = "The server answered 400: ", 500
    assert told({"message": "x " * 249 + "yz"}) == f"{begin}{'x ' * 249}yz."
    assert told({"message": "x " * 249 + "yzz"}) == f"{begin}{'x ' * 249}…."
    assert told({"message": "中" * (most + 1)}) == f"{begin}{'中' * most}…."


def test_the_first_eight_errors_of_a_list_are_passed_on() -> None:
    assert told({"message": [{"message": f"e{at}"} for at in range(9)]}).count(";") == 7
    detail = [{"loc": ["body", *"abcdefghi"], "msg": "wrong"}]
    assert told({"message": detail}).startswith("The server answered 400: a.b.c.d.e.f.g: wrong")


@pytest.mark.parametrize(("before", "kind"), [(4_000, "context"), (4_096, "bad_request")])
def test_the_meaning_of_an_error_is_found_in_its_first_4096_characters(before: int, kind: str) -> None:
    words = "x " * (before // 2) + "maximum context length is 4096 tokens"
    failure = Play(chat_plan("openai_compatible")).json({"error": {"message": words}}, status=400).failure
    assert failure.kind == kind


@pytest.mark.parametrize("name", ["code", "http_code", "status", "status_code", "statusCode"])
@pytest.mark.parametrize(
    ("value", "status"),
    [
        (400, 400), (599, 599), (399, None), (600, None), ("400", 400), ("599", 599), ("399", None), ("0429", None), ("42", None),
        ("４２９", None), (429.0, None), (True, None), (None, None),
    ],
)  # fmt: skip
def test_a_status_in_an_error_is_one_of_http_as_a_number_or_three_digits(
    name: str, value: Any, status: int | None
) -> None:
    found = find_error({"error": {"message": "x", name: value}})
    assert found is not None
    assert found["status"] == status


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (["body", "messages", 0, "role"], "messages.0.role"),
        (["body", None, "a", 1.5, "b"], "a.b"),
        (["a" * 65], "a" * 64),
        (["body", *"abcdefgh"], "a.b.c.d.e.f.g"),
    ],
)
def test_the_place_of_an_error_is_a_path_of_names_and_indexes(place: list[Any], name: str) -> None:
    found = find_error({"detail": [{"loc": place, "msg": "wrong"}]})
    assert found is not None
    assert found["params"] == (name,)
