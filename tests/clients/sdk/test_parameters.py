"""The verdicts on OpenAI's parameters: honoured, mapped, dropped with a notice, or refused by name."""

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from adapters.core.failures import Refused
from tests.support.client_stage import Front, Site, Stage, adapted, chat_body

WORDS = "emulator:words=9"
SIX_WORDS, SIX = "emulator:words=6", "w1 w2 w3 w4 w5 w6"
JSON = {"type": "json_object"}
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


@pytest.mark.parametrize("prompt", ["Give me JSON", "Give me an object"])
@pytest.mark.parametrize("model", ["gpt-4o", "o3"])
def test_json_mode_gives_json_whether_or_not_the_prompt_mentions_it(site: Site, prompt: str, model: str) -> None:
    answer = site.chat(prompt, model=model, response_format=JSON)

    given = json.loads(answer.choices[0].message.content)
    assert given.keys() == {"answer"}
    assert given["answer"].startswith(f"You said: {prompt}")  # an emulated request may have an instruction behind it


@pytest.mark.parametrize("dialect", [{}, {"$schema": "http://json-schema.org/draft-07/schema#"}], ids=["bare", "named"])
def test_a_json_schema_is_obeyed(site: Site, dialect: dict[str, str]) -> None:
    named: Any = SCHEMA["json_schema"]
    wanted = {**SCHEMA, "json_schema": {**named, "schema": {**dialect, **named["schema"]}}}
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
def test_a_limit_of_tokens_ends_the_answer_with_length_unless_the_model_always_thinks(
    site: Site, name: str, model: str
) -> None:
    """The limit would hold for the thoughts too, and leave nothing of the answer: it is raised, and named."""
    # the older SDK has no argument of the newer name: extra_body sends the same
    limited: dict[str, Any] = {"model": model, "extra_body": {name: 4}}
    response = site.raw(WORDS, **limited)
    answer = response.parse()

    (choice,) = answer.choices
    if site.plan(WORDS, **limited).thinks:
        assert adapted(response)[name] == "clamped"
        assert (choice.message.content, choice.finish_reason) == ("w1 w2 w3 w4 w5 w6 w7 w8 w9", "stop")
    else:
        assert (choice.message.content, choice.finish_reason) == ("w1 w2 w3 w4", "length")
        assert answer.usage.completion_tokens == 4


def test_a_limit_streams_to_length_too(site: Site) -> None:
    chunks = site.stream(WORDS, max_tokens=4)

    assert chunks[-1].choices[0].finish_reason == "length"


def test_fields_that_do_not_affect_the_answer_are_dropped_or_sent(site: Site) -> None:
    given = {"logit_bias": {"50256": -100}, "store": True, "metadata": {"a": "b"}}
    response = site.raw("Hello", extra_body=given)

    assert response.parse().choices[0].message.content == "You said: Hello"
    reported, body = adapted(response), site.calls[-1].body
    assert {name: reported.get(name) for name in given} == {name: None if name in body else "dropped" for name in given}
    assert {name: body.get(name, value) for name, value in given.items()} == given


def test_a_seed_is_sent_where_it_is_known_and_else_named(site: Site) -> None:
    response = site.raw("Hello", seed=7)

    assert response.parse().choices
    assert (site.calls[-1].body.get("seed"), adapted(response).get("seed")) in [(None, "dropped"), (7, None)]


def test_a_user_is_sent_under_the_vendors_name_or_named_as_dropped(site: Site) -> None:
    response = site.raw("Hello", user="u-1")

    assert response.parse().choices
    assert "u-1" in site.calls[-1].body.values() or adapted(response)["user"] == "dropped"


USER, METADATA = {"user": "u-1"}, {"metadata": {"a": "b"}}


@pytest.mark.parametrize(
    ("vendor", "given", "sent", "reported"),
    [
        ("kimi", {"seed": 7}, {}, {"seed": "dropped"}),
        ("qwen", {"seed": 7}, {"seed": 7}, {}),
        ("kimi", USER, {"safety_identifier": "u-1"}, {}),
        ("qwen", USER, {}, {"user": "dropped"}),
        ("qwen", METADATA, {}, {"metadata": "dropped"}),
        ("kimi", {"temperature": 2, "top_p": 0}, {}, {"temperature": "dropped", "top_p": "dropped"}),
        ("qwen", {"temperature": 2, "top_p": 0}, {"temperature": 1.99, "top_p": 0.001}, {"temperature": "clamped", "top_p": "clamped"}),
    ],
    ids=str,
)  # fmt: skip
def test_two_vendors_take_the_same_fields_differently(
    stage: Stage, start: Callable[..., Front], vendor: str, given: Any, sent: Any, reported: Any
) -> None:
    """What the pages of these vendors say: the other tests derive what they expect from the vendors' tables."""
    front = start(vendor)
    site = Site(vendor, stage.emulators[vendor], front, front.sdk())

    response = site.raw("Hello", extra_body=given)

    names = {*given, *sent, *reported}
    assert {name: value for name, value in site.calls[-1].body.items() if name in names} == sent
    assert {name: word for name, word in adapted(response).items() if name in names} == reported


def test_what_qwens_stand_in_lacks_is_refused_by_name(stage: Stage, start: Callable[..., Front]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        start("qwen").sdk().chat.completions.create(**chat_body("Hello", logprobs=True))

    assert (caught.value.param, caught.value.code) == ("logprobs", "unsupported_parameter")
    assert not stage.emulators["qwen"].requests


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


def test_log_probabilities_come_or_are_refused_by_name(site: Site) -> None:
    if site.refuses("Hello", logprobs=True):
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
def test_what_no_vendor_can_do_is_refused_by_name(site: Site, name: str, value: Any) -> None:
    with pytest.raises(Refused) as refused:
        site.plan("Hello", extra_body={name: value})

    assert refused.value.param == name
    assert site.refuses("Hello", extra_body={name: value})


def test_a_vendors_own_field_passes_through_extra_body(site: Site) -> None:
    own: dict[str, Any] = {"x_of_the_vendor": {"deep": [1]}}

    response = site.raw("Hello", extra_body=own)

    assert response.parse().choices[0].message.content == "You said: Hello"
    assert own.items() <= site.calls[-1].body.items()
    assert "x_of_the_vendor" not in adapted(response)


@pytest.mark.parametrize(
    ("vendor", "switch"), [("kimi", {"thinking": {"type": "disabled"}}), ("qwen", {"enable_thinking": False})]
)
def test_a_vendors_own_switch_of_thinking_passes_through_extra_body(
    stage: Stage, start: Callable[..., Front], vendor: str, switch: dict[str, Any]
) -> None:
    answer = start(vendor).sdk().chat.completions.create(**chat_body("Hello", model="o3"), extra_body=switch)

    assert answer.choices[0].message.content == "You said: Hello"
    assert switch.items() <= stage.emulators[vendor].requests[-1].body.items()


def test_reasoning_passes_beside_the_answer_where_the_model_thinks(site: Site) -> None:
    message = site.chat("Hello", model="o3").choices[0].message
    chunks = site.stream("Hello", model="o3")

    reasoning = "Thinking about: Hello"
    if site.plan("Hello", model="o3").target.model.facts.get("think_tags"):
        reasoning = f"\n{reasoning}\n"  # the line breaks inside the tags are sent back as they came
    assert message.content == "You said: Hello"
    assert message.model_extra["reasoning_content"] == reasoning
    deltas = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == reasoning


def test_headers_of_the_client_never_reach_the_vendor(site: Site) -> None:
    mine = {"OpenAI-Organization": "org-1", "OpenAI-Beta": "assistants=v2", "X-Mine": "1", "Cookie": "a=b",
            "X-Forwarded-Host": "elsewhere"}  # fmt: skip

    site.chat("Hello", extra_headers=mine)

    arrived = site.calls[-1].headers
    assert not {name for name in arrived if name.startswith(("x-", "openai")) or name == "cookie"}


def test_a_model_that_only_streams_answers_whole(start: Callable[..., Front]) -> None:
    front = start("qwen", models={"gpt-4o": "qwen/qwq-plus"})
    raw = front.sdk().chat.completions.with_raw_response.create(**chat_body(SIX_WORDS))
    answer = raw.parse()
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (SIX, "stop")
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 0
    assert adapted(raw)["stream"] == "emulated"


def test_open_qwen3_thinks_in_a_whole_answer_under_the_name_of_a_reasoning_model(start: Callable[..., Front]) -> None:
    front = start("qwen", models={"o3": "qwen/qwen3-32b", "gpt-4o": "qwen/qwen3-32b"})
    for name, thinks in ("o3", True), ("gpt-4o", False):
        raw = front.sdk().chat.completions.with_raw_response.create(**{**chat_body(SIX_WORDS), "model": name})
        message = raw.parse().choices[0].message
        assert message.content == SIX
        assert bool((message.model_extra or {}).get("reasoning_content")) is thinks
        assert ("stream" in adapted(raw)) is thinks


def test_a_whole_answer_of_a_model_that_only_streams_is_refused_if_that_is_switched_off(
    start: Callable[..., Front],
) -> None:
    front = start("qwen", models={"gpt-4o": "qwen/qwq-plus"}, policy={"emulate": {"stream": "off"}})
    with pytest.raises(openai.BadRequestError) as caught:
        front.sdk().chat.completions.create(**chat_body(SIX_WORDS))
    assert (caught.value.param, caught.value.code) == ("stream", "unsupported_parameter")
    assert "policy.emulate" in caught.value.message
    stream = front.sdk().chat.completions.create(**chat_body(SIX_WORDS), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == SIX
