"""Tool loops of a client that omits the reasoning of earlier answers, with vendors that require it."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

from tests.clients.sdk.test_tools import TIME, WEATHER, accumulated
from tests.support.client_stage import Front, Site, Stage, adapted, user

MODELS = {
    "kimi": ["kimi/kimi-k2.6", "kimi/kimi-k3"],
    "deepseek": ["deepseek/deepseek-flash", "deepseek/deepseek-v4-pro"],
}
TARGETS = [(vendor, model) for vendor, models in MODELS.items() for model in models]
PROMPTS = ["get weather, city=Oslo", "get time, zone=CET", "get weather, city=Rome, and get time, zone=UTC"]
TOOLS: list[Any] = [WEATHER, TIME]
KEYS = ["sk-client-one-0000001", "sk-client-two-0000002"]

Message = dict[str, Any]
Start = Callable[..., Front]


def at(stage: Stage, vendor: str, front: Front, key: str = KEYS[0]) -> Site:
    return Site(vendor, stage.emulators[vendor], front, front.sdk(key))


def reply(site: Site, model: str, messages: list[Message], *, stream: bool, **more: Any) -> Message:
    """One answer as a stock client keeps it: OpenAI's members of a message and no others."""
    arguments: dict[str, Any] = {"model": model, "messages": messages, "tools": TOOLS, **more}
    if stream:
        chunks = list(site.sdk.chat.completions.create(**arguments, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        calls = [
            {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": one["arguments"]}}
            for one in accumulated(chunks)
        ]
    else:
        message = site.sdk.chat.completions.create(**arguments).choices[0].message
        text = message.content or ""
        calls = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.function.name, "arguments": one.function.arguments},
            }
            for one in message.tool_calls or []
        ]
    return {"role": "assistant", "content": text or None, **({"tool_calls": calls} if calls else {})}


def turn(site: Site, model: str, messages: list[Message], prompt: str, *, stream: bool) -> None:
    """One question, the calls, their results and the answer."""
    messages.append(user(prompt))
    calling = reply(site, model, messages, stream=stream)
    messages.append(calling)
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": "fine"} for call in calling["tool_calls"]]
    messages.append(reply(site, model, messages, stream=stream))


def sent_reasoning(site: Site) -> list[str | None]:
    """The reasoning of the messages with tool calls in the last call to the vendor."""
    return [one.get("reasoning_content") for one in site.calls[-1].body["messages"] if one.get("tool_calls")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("vendor", "model"), TARGETS)
def test_each_turn_gets_its_own_reasoning_back(
    stage: Stage, start: Start, vendor: str, model: str, stream: bool
) -> None:
    site = at(stage, vendor, start(vendor))
    messages: list[Message] = []

    for prompt in PROMPTS:
        turn(site, model, messages, prompt, stream=stream)

    assert len(site.calls) == 2 * len(PROMPTS)
    assert sent_reasoning(site) == [f"Thinking about: {prompt}" for prompt in PROMPTS]
    assert not any("reasoning_content" in message for message in messages), "the client did not send it"


@pytest.mark.parametrize("vendor", MODELS)
def test_the_response_names_what_was_put_back(stage: Stage, start: Start, vendor: str) -> None:
    site, messages = at(stage, vendor, start(vendor)), list[Message]()
    turn(site, MODELS[vendor][0], messages, PROMPTS[0], stream=False)

    asked: list[Any] = [*messages, user("Hello")]
    raw = site.sdk.chat.completions.with_raw_response.create(model=MODELS[vendor][0], messages=asked, tools=TOOLS)

    assert adapted(raw)["messages.reasoning_content"] == "mapped"
    assert sent_reasoning(site) == [f"Thinking about: {PROMPTS[0]}"]


@pytest.mark.parametrize("vendor", MODELS)
def test_calls_of_one_answer_in_messages_of_their_own_get_the_same_reasoning(
    stage: Stage, start: Start, vendor: str
) -> None:
    site, model, asked = at(stage, vendor, start(vendor)), MODELS[vendor][0], [user(PROMPTS[2])]
    first, second = reply(site, model, asked, stream=False)["tool_calls"]

    split = [*asked]
    for call in (first, second):
        split.append({"role": "assistant", "content": None, "tool_calls": [call]})
        split.append({"role": "tool", "tool_call_id": call["id"], "content": "fine"})
    reply(site, model, split, stream=False)

    assert sent_reasoning(site) == [f"Thinking about: {PROMPTS[2]}"] * 2


@pytest.mark.parametrize("vendor", MODELS)
def test_reasoning_is_found_under_the_key_of_its_client_only(stage: Stage, start: Start, vendor: str) -> None:
    front, model = start(vendor, server={"client_keys": KEYS}, policy={"open_models": True}), MODELS[vendor][0]
    messages: list[Message] = []
    turn(at(stage, vendor, front, KEYS[0]), model, messages, PROMPTS[0], stream=False)

    other = at(stage, vendor, front, KEYS[1])
    reply(other, model, [*messages, user("Hello")], stream=False)
    assert sent_reasoning(other) == [" "]

    own = at(stage, vendor, front, KEYS[0])
    reply(own, model, [*messages, user("Hello")], stream=False)
    assert sent_reasoning(own) == [f"Thinking about: {PROMPTS[0]}"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("vendor", "model"), TARGETS)
def test_with_the_emulation_off_a_space_is_sent_and_nothing_is_kept(
    stage: Stage, start: Start, vendor: str, model: str, stream: bool
) -> None:
    front = start(vendor, policy={"emulate": {"reasoning": False}})
    site, messages = at(stage, vendor, front), list[Message]()

    for prompt in PROMPTS:
        turn(site, model, messages, prompt, stream=stream)

    assert sent_reasoning(site) == [" "] * len(PROMPTS)
    assert front.running.state.store.metrics.size == 0


@pytest.mark.parametrize("vendor", MODELS)
def test_reasoning_that_the_client_sends_is_left_alone(stage: Stage, start: Start, vendor: str) -> None:
    site, messages = at(stage, vendor, start(vendor)), list[Message]()
    turn(site, MODELS[vendor][0], messages, PROMPTS[0], stream=False)
    messages[1]["reasoning_content"] = "My own."

    reply(site, MODELS[vendor][0], [*messages, user("Hello")], stream=False)

    assert sent_reasoning(site) == ["My own."]


@pytest.mark.parametrize("vendor", MODELS)
def test_a_conversation_moves_to_another_vendor_with_its_reasoning(stage: Stage, start: Start, vendor: str) -> None:
    front = start(*MODELS)
    messages: list[Message] = []
    turn(at(stage, vendor, front), MODELS[vendor][0], messages, PROMPTS[0], stream=False)

    (elsewhere,) = MODELS.keys() - {vendor}
    site = at(stage, elsewhere, front)
    reply(site, MODELS[elsewhere][0], [*messages, user("Hello")], stream=False)

    assert sent_reasoning(site) == [f"Thinking about: {PROMPTS[0]}"]


@pytest.mark.parametrize(("vendor", "model"), TARGETS)
def test_the_emulators_refuse_a_conversation_without_it(stage: Stage, vendor: str, model: str) -> None:
    key, base_url = stage.key_and_base_url(vendor)
    call = {"id": "get_time:0", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    messages: list[Any] = [
        user("a"),
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "b"},
    ]

    with openai.OpenAI(api_key=key, base_url=base_url, max_retries=0) as sdk:
        with pytest.raises(openai.BadRequestError, match="reasoning_content"):
            sdk.chat.completions.create(model=model.partition("/")[2], messages=messages)
        messages[1]["reasoning_content"] = "I think."
        assert sdk.chat.completions.create(model=model.partition("/")[2], messages=messages).choices
