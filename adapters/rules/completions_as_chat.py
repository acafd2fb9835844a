"""``POST /v1/completions`` said as chat: what becomes of each of its parameters, as a table of verdicts like a vendor's.

The prompt is one user's message, and each of several prompts is a chat call of its own. What chat knows as well is left
to the vendor's table. Source: OpenAI's published API description of 2026-08 (``CreateCompletionRequest``).
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Translation
from adapters.rules.reasons import DEFAULT_LEFT_OUT, SENT_AS_IS
from adapters.rules.verdicts import Honour, Refuse, Rewrite

ECHOED = Message("banjia puts the prompt before the text")
NOTHING_TO_CHOOSE = Message("best_of is not larger than n, so all choices are returned")

ONE_PROMPT = Message("sent as a user message")
SEVERAL_PROMPTS = Message("sent as user messages, one call per prompt")
TO_CHAT = Honour(Message("handled as the chat parameter of the same name"))
MAX_TOKENS = 16
"""What OpenAI's completions give when no limit is sent (tokens)."""
NOT_HERE = ("messages", "tools", "functions", "audio", "modalities")
"""Members of a chat request whose answer is no text: a completion could not show it."""


def texts_of(prompt: str | list[str]) -> list[str]:
    """The prompts of a request."""
    return [prompt] if type(prompt) is str else list(prompt)


def prompt(name: str, value: Any, builder: RequestBuilder) -> None:
    """The first prompt; the others are calls of their own."""
    texts = texts_of(value)
    builder.body["messages"] = [{"role": "user", "content": texts[0]}]
    builder.record(name, "mapped", ONE_PROMPT if len(texts) == 1 else SEVERAL_PROMPTS)


def echo(name: str, value: bool, builder: RequestBuilder) -> None:
    """The prompt before the text, put there by the front's writer."""
    if value:
        builder.record(name, "emulated", ECHOED)
    else:
        builder.record(name, "mapped", DEFAULT_LEFT_OUT)


def best_of(name: str, value: int, builder: RequestBuilder) -> None:
    """The best of several by their probabilities, which chat does not rank by; as many as are given back are no choice."""
    if value > builder.request.fields.get("n", 1):
        builder.refuse(name, Message("chat models do not rank choices: request all of them with n and select one"))
    builder.record(name, "mapped", NOTHING_TO_CHOOSE)


def max_tokens(name: str, value: int, builder: RequestBuilder) -> None:
    """Completions take 0, to look at the prompt's own probabilities; a chat model always says something."""
    if value == 0:
        builder.refuse(name, Message("a chat model returns at least one token"))
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)


OVER_CHAT: Mapping[str, Verdict] = {
    "prompt": Rewrite(prompt, Message("sent as a user message"), ("mapped", "refused")),
    "best_of": Rewrite(best_of, Message("at most n"), ("mapped", "refused")),
    "echo": Rewrite(echo, Message("banjia puts the prompt before the text"), ("emulated", "mapped")),
    "frequency_penalty": TO_CHAT,
    "logit_bias": TO_CHAT,
    "logprobs": Refuse(Message("chat returns logprobs in another format, and the client would rely on this one")),
    "max_tokens": Rewrite(max_tokens, Message("16 if omitted, as at OpenAI"), ("honoured", "mapped", "refused")),
    "n": TO_CHAT,
    "presence_penalty": TO_CHAT,
    "seed": TO_CHAT,
    "stop": TO_CHAT,
    "stream": TO_CHAT,
    "stream_options": TO_CHAT,
    "suffix": Refuse(Message("a chat model continues its prompt and cannot insert text before a suffix")),
    "temperature": TO_CHAT,
    "top_p": TO_CHAT,
    "user": TO_CHAT,
}
"""For every parameter of completions. ``honoured`` means: a parameter of chat from here on."""


def as_chat(request: ApiRequest) -> ApiRequest:
    """The chat request that a completion's request amounts to, its prompts as texts.

    Raises Refused, naming what chat can't do. :func:`only_native` keeps that for later.
    """
    builder = RequestBuilder(request, Model(request.model, operation="completions"))
    for name, value in request.fields.items():
        verdict = OVER_CHAT.get(name)
        if verdict is not None:
            verdict.apply(name, value, builder)
        elif name in NOT_HERE:
            builder.refuse(name, Message("it is a chat parameter: use POST /v1/chat/completions"))
        else:
            builder.body[name] = value
    added: frozenset[str] = frozenset()
    if not {"max_tokens", "max_completion_tokens"} & builder.body.keys():
        added = frozenset({"max_tokens"})
        builder.body["max_tokens"] = MAX_TOKENS
        builder.record(
            "max_tokens", "mapped", Message("set to {limit}, OpenAI's default for completions", limit=MAX_TOKENS)
        )
    variants = tuple(
        {"messages": [{"role": "user", "content": text}]} for text in texts_of(request.fields["prompt"])[1:]
    )
    adaptations = {
        name: adaptation for name, adaptation in builder.adaptations.items() if adaptation.word != "honoured"
    }
    translation = Translation(request.fields, adaptations, variants, native=request, added=added)
    return ApiRequest("chat", request.model, builder.body, request.stream, request.include_usage, translation)


def only_native(request: ApiRequest, refused: Refused) -> ApiRequest:
    """The request that chat can't serve, for vendors that have completions themselves; others refuse it."""
    translation = Translation(request.fields, {}, native=request, refused=refused)
    return ApiRequest("chat", request.model, {}, request.stream, request.include_usage, translation)


def again_without(request: ApiRequest) -> ApiRequest:
    """A completion's request as chat, after a field that chat can't serve was taken out: another may be in the way."""
    try:
        return as_chat(request)
    except Refused as refused:
        return only_native(request, refused)
