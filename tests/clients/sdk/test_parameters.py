"""The verdicts on OpenAI's parameters: honoured, mapped, dropped with a notice, or refused by name."""

import json
from typing import Any

import openai
import pytest

from tests.support.client_stage import Site, adapted

WORDS = "emulator:words=9"
THINK_ON = {("ernie", "o3"), ("hunyuan", "o3"), ("hunyuan-classic", "o3")}
"""Models that always think, or are set to: a limit of tokens holds for their thoughts too."""
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "place",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
            "required": ["city", "degrees"],
            "additionalProperties": False,
        },
    },
}


def refused(site: Site, param: str, **fields: Any) -> openai.BadRequestError:
    """The 400 that names the parameter; the vendor never saw the request."""
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat("Hello", **fields)
    error = caught.value
    assert (error.param, error.code, error.type) == (param, "unsupported_parameter", "invalid_request_error")
    assert not site.calls
    return error


@pytest.mark.parametrize("prompt", ["Give me JSON", "Give me an object"])
@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
def test_json_mode_gives_json_whether_or_not_the_prompt_mentions_it(site: Site, prompt: str, model: str) -> None:
    if site.lacks("json_object"):
        refused(site, "response_format", model=model, response_format={"type": "json_object"})
        return
    if (site.vendor, model) == ("ernie", "o3"):  # X1 writes plain text only
        refused(site, "response_format", model=model, response_format={"type": "json_object"})
        return

    answer = site.chat(prompt, model=model, response_format={"type": "json_object"})

    assert json.loads(answer.choices[0].message.content) == {"answer": f"You said: {prompt}"}


@pytest.mark.parametrize("dialect", [{}, {"$schema": "http://json-schema.org/draft-07/schema#"}], ids=["bare", "named"])
def test_a_json_schema_is_obeyed_or_refused_by_name(site: Site, dialect: dict[str, str]) -> None:
    named: Any = SCHEMA["json_schema"]
    wanted = {**SCHEMA, "json_schema": {**named, "schema": {**dialect, **named["schema"]}}}
    if site.lacks("json_schema"):
        refused(site, "response_format", response_format=wanted)
        return
    answer = site.chat("city=Oslo degrees=4", response_format=wanted)
    assert json.loads(answer.choices[0].message.content) == {"city": "Oslo", "degrees": 4}


@pytest.mark.parametrize(("stop", "text"), [("w4", "w1 w2 w3 "), (["w7", "w3"], "w1 w2 "), (["never"], None)])
def test_stop_cuts_before_the_match_whole_and_streamed(site: Site, stop: Any, text: str | None) -> None:
    whole = site.chat(WORDS, stop=stop).choices[0]
    chunks = site.stream(WORDS, stop=stop)

    expected = "w1 w2 w3 w4 w5 w6 w7 w8 w9" if text is None else text
    assert (whole.message.content, whole.finish_reason) == (expected, "stop")
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == expected


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
def test_a_limit_of_tokens_ends_the_answer_with_length(site: Site, name: str, model: str) -> None:
    # the older SDK has no argument of the newer name: extra_body sends the same
    answer = site.chat(WORDS, model=model, extra_body={name: 4})

    (choice,) = answer.choices
    assert choice.finish_reason == "length"
    assert answer.usage.completion_tokens == 4
    if (site.vendor, model) not in THINK_ON:
        assert choice.message.content == "w1 w2 w3 w4"


def test_a_limit_streams_to_length_too(site: Site) -> None:
    chunks = site.stream(WORDS, max_tokens=4)

    assert chunks[-1].choices[0].finish_reason == "length"


def test_fields_that_do_not_affect_the_answer_are_dropped_and_named(site: Site) -> None:
    response = site.raw("Hello", logit_bias={"50256": -100}, extra_body={"store": True, "metadata": {"a": "b"}})

    assert response.parse().choices[0].message.content == "You said: Hello"
    adaptations = adapted(response)
    dropped = {"logit_bias", "store", "metadata"}
    if site.vendor == "ernie":  # labels its logs with it
        dropped.discard("metadata")
        assert site.calls[-1].body["metadata"] == {"a": "b"}
    assert {adaptations[name] for name in dropped} == {"dropped"}
    assert not dropped & set(site.calls[-1].body)


def test_a_seed_is_sent_where_it_is_known_and_else_named(site: Site) -> None:
    response = site.raw("Hello", seed=7)

    assert response.parse().choices
    sent = site.calls[-1].body.get("seed")
    assert (sent, adapted(response).get("seed")) == ((None, "dropped") if site.vendor == "kimi" else (7, None))


def test_a_user_is_sent_under_the_vendors_name_or_named_as_dropped(site: Site) -> None:
    response = site.raw("Hello", user="u-1")

    assert response.parse().choices
    body = site.calls[-1].body
    sent = {name: body[name] for name in ("user", "safety_identifier") if name in body}
    known = {"kimi": {"safety_identifier": "u-1"}, "ernie": {"user": "u-1"}}
    assert sent == known.get(site.vendor, {})
    assert adapted(response).get("user") == (None if sent else "dropped")


@pytest.mark.parametrize(("name", "value"), [("temperature", 2), ("temperature", 0), ("top_p", 0), ("top_p", 1),
                                             ("presence_penalty", 2), ("frequency_penalty", -2)])  # fmt: skip
def test_sampling_at_the_edge_of_openais_range_is_answered(site: Site, name: str, value: float) -> None:
    response = site.raw("Hello", **{name: value})

    assert response.parse().choices[0].message.content == "You said: Hello"
    sent = site.calls[-1].body.get(name)
    assert sent == value or adapted(response)[name] in ("clamped", "dropped", "mapped")


def test_changed_sampling_is_reported(site: Site) -> None:
    response = site.raw("Hello", temperature=2, top_p=0)

    adaptations, body = adapted(response), site.calls[-1].body
    for name, value in (("temperature", 2), ("top_p", 0)):
        word = "honoured" if body.get(name) == value else "dropped" if name not in body else "clamped"
        assert adaptations.get(name, "honoured") == word, name
    changed = {"kimi": {"temperature", "top_p"}, "qwen": {"temperature", "top_p"}, "ernie": {"temperature"}}
    assert {"temperature", "top_p"} & adaptations.keys() == changed.get(site.vendor, set())


def test_log_probabilities_come_or_are_refused_by_name(site: Site) -> None:
    if site.lacks("logprobs"):
        refused(site, "logprobs", logprobs=True)
        return
    (choice,) = site.chat("Hello", logprobs=True, top_logprobs=2).choices
    assert "".join(one.token for one in choice.logprobs.content) == choice.message.content
    assert all(len(one.top_logprobs) == 2 for one in choice.logprobs.content)
    chunks = site.stream("Hello", logprobs=True, top_logprobs=2)
    streamed = [one for chunk in chunks for part in chunk.choices if part.logprobs for one in part.logprobs.content]
    assert [one.token for one in streamed] == [one.token for one in choice.logprobs.content]


@pytest.mark.parametrize(("name", "value"), [("n", 1), ("logprobs", False), ("top_logprobs", 0), ("logit_bias", {}),
                                             ("functions", []), ("temperature", 1), ("presence_penalty", 0)])  # fmt: skip
def test_a_value_that_is_openais_default_is_never_refused(site: Site, name: str, value: Any) -> None:
    assert site.chat("Hello", extra_body={name: value}).choices[0].message.content == "You said: Hello"


@pytest.mark.parametrize(
    ("name", "value"), [("temperature", 3), ("temperature", "hot"), ("max_tokens", 0), ("stop", ["a"] * 5), ("n", 0)]
)
def test_requests_that_openai_would_refuse_are_refused_before_any_vendor_gets_them(
    site: Site, name: str, value: Any
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.chat("Hello", extra_body={name: value})

    assert caught.value.param == name
    assert not site.calls


@pytest.mark.parametrize(
    ("name", "value"), [("audio", {"voice": "alloy", "format": "mp3"}), ("modalities", ["text", "audio"])]
)  # fmt: skip
def test_unsupported_fields_are_refused_by_name(site: Site, name: str, value: Any) -> None:
    refused(site, name, extra_body={name: value})


def test_a_vendors_own_field_passes_through_extra_body(site: Site) -> None:
    off: dict[str, dict[str, Any]] = {"kimi": {"thinking": {"type": "disabled"}}, "qwen": {"enable_thinking": False}}
    own: dict[str, Any] = {**off.get(site.vendor, {}), "x_of_the_vendor": {"deep": [1]}}

    response = site.raw("Hello", model="o3" if site.vendor in off else "gpt-4o", extra_body=own)

    assert response.parse().choices[0].message.content == "You said: Hello"
    assert own.items() <= site.calls[-1].body.items()
    assert "x_of_the_vendor" not in adapted(response)


def test_reasoning_passes_beside_the_answer_where_the_model_thinks(site: Site) -> None:
    message = site.chat("Hello", model="o3").choices[0].message
    chunks = site.stream("Hello", model="o3")

    assert message.content == "You said: Hello"
    assert message.model_extra["reasoning_content"] == "Thinking about: Hello"
    deltas = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == "Thinking about: Hello"


def test_headers_of_the_client_never_reach_the_vendor(site: Site) -> None:
    mine = {"OpenAI-Organization": "org-1", "OpenAI-Beta": "assistants=v2", "X-Mine": "1", "Cookie": "a=b",
            "X-Forwarded-Host": "elsewhere"}  # fmt: skip

    site.chat("Hello", extra_headers=mine)

    arrived = site.calls[-1].headers
    assert not {name for name in arrived if name.startswith(("x-", "openai")) or name == "cookie"}
