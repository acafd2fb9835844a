"""``POST /v1/completions`` said as chat: what becomes of each of its parameters, as a table of verdicts like a vendor's.

The prompt is one user's message, and each of several prompts is a chat call of its own. What chat knows as well is left
to the vendor's table. Source: OpenAI's published API description of 2026-08 (``CreateCompletionRequest``).
"""

from collections.abc import Mapping
from typing import Any

from adapters.core.failures import Refused
from adapters.core.params import Draft, Honour, Refuse, Rewrite, Verdict
from adapters.core.shapes import Ask, Model, Reworded

TO_CHAT = Honour("left to the vendor's table of chat parameters")
MAX_TOKENS = 16
"""What OpenAI's completions give when no limit is sent (tokens)."""
NOT_HERE = ("messages", "tools", "functions", "audio", "modalities")
"""Members of a chat request whose answer is no text: a completion could not show it."""


def texts_of(prompt: str | list[str]) -> list[str]:
    """The prompts of a request."""
    return [prompt] if type(prompt) is str else list(prompt)


def prompt(name: str, value: Any, draft: Draft) -> None:
    """The first prompt; the others are calls of their own."""
    texts = texts_of(value)
    draft.body["messages"] = [{"role": "user", "content": texts[0]}]
    each = "" if len(texts) == 1 else ", each with a call of its own"
    draft.tell(name, "mapped", f"sent as a user's message{each}")


def echo(name: str, value: bool, draft: Draft) -> None:
    """The prompt before the text, put there by the front's writer."""
    if value:
        draft.tell(name, "emulated", "the prompt is put before the text by us")
    else:
        draft.tell(name, "mapped", "the default, said by leaving it out")


def best_of(name: str, value: int, draft: Draft) -> None:
    """The best of several by their probabilities, which chat does not rank by; as many as are given back are no choice."""
    if value > draft.ask.fields.get("n", 1):
        draft.refuse(name, "a chat model does not rank its answers: ask for all of them with n, and choose")
    draft.tell(name, "mapped", "all that are asked for are given: there is nothing to choose")


def max_tokens(name: str, value: int, draft: Draft) -> None:
    """Completions take 0, to look at the prompt's own probabilities; a chat model always says something."""
    if value == 0:
        draft.refuse(name, "a chat model gives at least one token")
    draft.body[name] = value
    draft.tell(name, "honoured", "sent as it came")


OVER_CHAT: Mapping[str, Verdict] = {
    "prompt": Rewrite(prompt, "sent as a user's message", ("mapped", "refused")),
    "best_of": Rewrite(best_of, "no more than n", ("mapped", "refused")),
    "echo": Rewrite(echo, "the prompt is put before the text by us", ("emulated", "mapped")),
    "frequency_penalty": TO_CHAT,
    "logit_bias": TO_CHAT,
    "logprobs": Refuse("the caller would read them, and chat gives them in another shape"),
    "max_tokens": Rewrite(max_tokens, "16 where none is sent, as at OpenAI", ("honoured", "mapped", "refused")),
    "n": TO_CHAT,
    "presence_penalty": TO_CHAT,
    "seed": TO_CHAT,
    "stop": TO_CHAT,
    "stream": TO_CHAT,
    "stream_options": TO_CHAT,
    "suffix": Refuse("a chat model goes on from its prompt, and can't fill in the middle of a text"),
    "temperature": TO_CHAT,
    "top_p": TO_CHAT,
    "user": TO_CHAT,
}
"""For every parameter of completions. ``honoured`` means: a parameter of chat from here on."""


def as_chat(ask: Ask) -> Ask:
    """The chat request that a completion's request amounts to, its prompts as texts.

    Raises Refused, naming what chat can't do. :func:`only_native` keeps that for later.
    """
    draft = Draft(ask, Model(ask.model, operation="completions"))
    for name, value in ask.fields.items():
        verdict = OVER_CHAT.get(name)
        if verdict is not None:
            verdict.apply(name, value, draft)
        elif name in NOT_HERE:
            draft.refuse(name, "a completion has a prompt and gives text: use POST /v1/chat/completions")
        else:
            draft.body[name] = value
    added: frozenset[str] = frozenset()
    if not {"max_tokens", "max_completion_tokens"} & draft.body.keys():
        added = frozenset({"max_tokens"})
        draft.body["max_tokens"] = MAX_TOKENS
        draft.tell("max_tokens", "mapped", f"{MAX_TOKENS}, which is OpenAI's default for completions")
    variants = tuple({"messages": [{"role": "user", "content": text}]} for text in texts_of(ask.fields["prompt"])[1:])
    told = {name: said for name, said in draft.told.items() if said.word != "honoured"}
    reworded = Reworded(ask.fields, told, variants, native=ask, added=added)
    return Ask("chat", ask.model, draft.body, ask.stream, ask.include_usage, reworded)


def only_native(ask: Ask, refused: Refused) -> Ask:
    """The request that chat can't serve, for vendors that have completions themselves; others refuse it."""
    reworded = Reworded(ask.fields, {}, native=ask, refused=refused)
    return Ask("chat", ask.model, {}, ask.stream, ask.include_usage, reworded)


def again_without(ask: Ask) -> Ask:
    """A completion's request as chat, after a field that chat can't serve was taken out: another may be in the way."""
    try:
        return as_chat(ask)
    except Refused as refused:
        return only_native(ask, refused)
