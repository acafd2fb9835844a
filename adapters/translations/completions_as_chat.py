"""Translates ``POST /v1/completions`` to chat: a table with a verdict on each parameter, like a vendor's.

A prompt becomes one user message; each of several prompts becomes a chat call of its own. Parameters that chat has too
are left to the vendor's table. Source: OpenAI's published API description of 2026-08 (``CreateCompletionRequest``).
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.request import ApiRequest, Translation
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS
from adapters.rules.verdicts import Honour, Refuse, Rewrite

ECHOED = Message("banjia puts the prompt before the text")
NOTHING_TO_CHOOSE = Message("best_of is not larger than n, so all choices are returned")

ONE_PROMPT = Message("sent as a user message")
SEVERAL_PROMPTS = Message("sent as user messages, one call per prompt")
TO_CHAT = Honour(Message("handled as the chat parameter of the same name"))
MAX_TOKENS = 16
"""OpenAI's default of ``max_tokens`` for completions."""
NOT_HERE = ("messages", "tools", "functions", "audio", "modalities")
"""Members of chat that completions do not have, since a completion can only contain text."""


def texts_of(prompt: str | list[str]) -> list[str]:
    """Return the prompts of a request as a list."""
    return [prompt] if type(prompt) is str else list(prompt)


def prompt(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send the first prompt as a user message; the others become calls of their own."""
    texts = texts_of(value)
    builder.body["messages"] = [{"role": "user", "content": texts[0]}]
    builder.record(name, "mapped", ONE_PROMPT if len(texts) == 1 else SEVERAL_PROMPTS)


def echo(name: str, value: bool, builder: RequestBuilder) -> None:
    """Record the verdict; the response writer in ``proxy/openai_api`` puts the prompt before the text."""
    if value:
        builder.record(name, "emulated", ECHOED)
    else:
        builder.record(name, "mapped", DEFAULT_OMITTED)


def best_of(name: str, value: int, builder: RequestBuilder) -> None:
    """Refuse to rank choices by probability, which chat can't do; ``best_of`` up to ``n`` needs no ranking."""
    if value > builder.request.fields.get("n", 1):
        builder.refuse(name, Message("chat models do not rank choices: request all of them with n and select one"))
    builder.record(name, "mapped", NOTHING_TO_CHOOSE)


def max_tokens(name: str, value: int, builder: RequestBuilder) -> None:
    """Refuse 0, with which completions return only the prompt's probabilities; a chat model always returns a token."""
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
"""A verdict for every parameter of completions. ``honoured`` means that it becomes the chat parameter of that name."""


def as_chat(request: ApiRequest) -> ApiRequest:
    """Return the chat request for a completions request with text prompts.

    Raises Refused for what chat can't do; :func:`only_native` then keeps the request for vendors with completions.
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
    """Return a request that only vendors with native completions can serve; others raise ``refused``."""
    translation = Translation(request.fields, {}, native=request, refused=refused)
    return ApiRequest("chat", request.model, {}, request.stream, request.include_usage, translation)


def again_without(request: ApiRequest) -> ApiRequest:
    """Translate a completions request again after a field was removed; another field may still prevent chat."""
    try:
        return as_chat(request)
    except Refused as refused:
        return only_native(request, refused)
