"""Structured output, reasoning and its seals, counts of tokens, and parts other than text."""

import json
from collections.abc import Callable
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel, ConfigDict

from tests.clients.sdk.responses.calls import COMPATIBLE, ONE, WEATHER, ResponsesSite, calls_in, output_of, replayed
from tests.support.client_stage import Front, Stage

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
SEALED: Any = "reasoning.encrypted_content"
NO_SCHEMAS = "this server refuses schemas, and its answer is passed on"


class Address(BaseModel):
    model_config = ConfigDict(extra="forbid")
    street: str
    kind: Literal["home", "work"]


def test_parse_gives_the_object_whole_and_streamed(site: ResponsesSite) -> None:
    if site.vendor == COMPATIBLE:
        pytest.skip(NO_SCHEMAS)
    parsed = site.sdk.responses.parse(model="gpt-4o", input="Fill it in", text_format=Address).output_parsed
    assert isinstance(parsed, Address)
    with site.sdk.responses.stream(model="gpt-4o", input="Fill it in", text_format=Address) as stream:
        assert stream.get_final_response().output_parsed == parsed


@BOTH_WAYS
def test_a_schema_is_kept_and_echoed(site: ResponsesSite, stream: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    format_ = {"type": "json_schema", "name": "thing", "schema": schema, "strict": True}
    if site.vendor == COMPATIBLE:
        pytest.skip(NO_SCHEMAS)
    response = site.final("Fill it in", stream=stream, text={"format": format_})
    assert set(json.loads(response.output_text)) == {"a"}
    assert response.to_dict()["text"]["format"] == format_


@BOTH_WAYS
def test_json_mode_gives_an_object(site: ResponsesSite, stream: bool) -> None:
    response = site.final("Answer in JSON", stream=stream, text={"format": {"type": "json_object"}})
    assert response.output_text.startswith("{")


@BOTH_WAYS
def test_reasoning_is_an_item_of_its_own_and_shown_only_as_a_summary(site: ResponsesSite, stream: bool) -> None:
    for summary in (None, "auto"):
        reasoning = {"effort": "high", **({} if summary is None else {"summary": summary})}
        model = "o3" if site.vendor != "compatible" else "gpt-4o"
        response = site.final("Hello", stream=stream, model=model, reasoning=reasoning)
        assert "Thinking about" not in response.output_text
        for item in [item for item in response.output if item.type == "reasoning"]:
            assert response.output[0] == item
            assert item.id.startswith("rs_")
            assert bool(item.summary) == (summary is not None)
            assert item.content is None
            assert item.encrypted_content is None


def test_reasoning_is_sealed_and_goes_back_to_the_vendor(
    stage: Stage, serve: Callable[..., Front], vendor: str
) -> None:
    if vendor == "compatible":
        pytest.skip("its operator has turned thinking off")
    keys = ["sk-of-the-first-client-01", "sk-of-the-second-client-1"]
    front = serve(vendor, server={"client_keys": keys})
    clients: list[Any] = [front.sdk(key) for key in keys]
    owner, other = clients
    asked: dict[str, Any] = {"model": "o3", "tools": [WEATHER], "store": False, "reasoning": {"effort": "high"}}
    first = owner.responses.create(input=ONE, include=[SEALED], **asked)
    seals = [item.encrypted_content for item in first.output if item.type == "reasoning"]
    assert all(seal and seal.startswith("bj1.") and "Thinking" not in seal for seal in seals)

    items: list[Any] = [{"role": "user", "content": ONE}, *replayed(first)]
    items += [output_of(call, "4 degrees") for call in calls_in(first)]
    for sdk in (owner, other):  # another client's seal is dropped, and no error
        second = sdk.responses.create(input=items, include=[SEALED], **asked)
        assert second.output_text == "The tool said: 4 degrees"
    without = [item for item in items if item.get("type") != "reasoning"]
    assert owner.responses.create(input=without, **asked).output_text == "The tool said: 4 degrees"


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high"])
def test_every_effort_is_served_or_refused_by_name(site: ResponsesSite, effort: str) -> None:
    refused = site.refusal("Hello", reasoning={"effort": effort})
    assert refused is None or refused.param == "reasoning.effort"
    assert bool(site.calls) == (refused is None)


def test_the_tokens_of_an_input_are_counted(site: ResponsesSite) -> None:
    def count(**fields: Any) -> int:
        counted = site.sdk.responses.input_tokens.count(**{"model": "gpt-4o", "input": "Hello", **fields})
        assert counted.object == "response.input_tokens"
        return int(counted.input_tokens)

    first = site.ask("A rather long text about fish. " * 20)
    calls = len(site.calls)
    plain = count()
    assert 0 < plain < count(input="Hello " * 200)
    assert plain < count(instructions="Be brief, and kind. " * 10)
    assert plain < count(tools=[WEATHER])
    assert plain < count(previous_response_id=first.id)
    assert len(site.calls) == calls, "no vendor is called"


def test_an_image_reaches_the_model_or_is_refused_by_name(site: ResponsesSite) -> None:
    image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    content = [
        {"type": "input_text", "text": "What is this?"},
        {"type": "input_image", "image_url": image, "detail": "auto"},
    ]
    refused = site.refusal([{"role": "user", "content": content}])
    if refused is None:
        assert "image_url" in str(site.calls[-1].body)
    else:
        assert refused.param.startswith("input")


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "file_id": "file-unknown"},
        {"type": "input_image", "file_id": "file-unknown"},
    ],
    ids=lambda part: "-".join(part),
)
def test_a_part_that_no_vendor_can_read_is_refused_by_name(site: ResponsesSite, part: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        site.ask([{"role": "user", "content": [{"type": "input_text", "text": "x"}, part]}])
    assert str(caught.value.param).startswith("input")
    assert not site.calls


REPORTED: list[tuple[str, Any, str]] = [
    ("prompt", {"id": "pmpt_1"}, "refused"),
    ("moderation", {"model": "omni-moderation-latest"}, "refused"),
    ("n", 2, "refused"),
    ("messages", [], "refused"),
    ("background_options", {}, "dropped"),
    ("client_metadata", {"a": "b"}, "dropped"),
    ("context_management", [{"type": "compaction"}], "dropped"),
]


@pytest.mark.parametrize(("field", "value", "verdict"), REPORTED, ids=[row[0] for row in REPORTED])
def test_a_field_is_refused_or_reported_by_name_and_never_silent(
    site: ResponsesSite, field: str, value: Any, verdict: str
) -> None:
    if verdict == "refused":
        with pytest.raises(openai.BadRequestError) as caught:
            site.ask("Hello", extra_body={field: value})
        assert caught.value.param == field
        assert not site.calls
    else:
        raw = site.ask_raw("Hello", extra_body={field: value})
        assert f"{field}=dropped" in raw.headers["x-banjia-adapted"]
        assert field not in site.calls[-1].body
