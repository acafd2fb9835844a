"""The verdict on OpenAI's two token limits, for vendors that refuse a limit above the model's own."""

from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.reasons import SENT_AS_IS, sent_as

SMALLER_LIMIT = Message("the smaller of the two limits is sent")

OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def send_token_limit(name: str, value: int, builder: RequestBuilder) -> None:
    """Send the limit, at most the model's own; if both limits get the same name, send the smaller one.

    ``max_completion_tokens`` is sent as ``max_tokens`` except to models whose catalog row has the fact
    ``max_completion_tokens``.
    """
    own = name == "max_tokens" or bool(builder.model.facts.get("max_completion_tokens"))
    to = name if own else "max_tokens"
    sent = min(value, builder.model.max_output or value)
    other = builder.body.get(to, sent)
    builder.body[to] = min(sent, other)
    if sent != value:
        builder.record(name, "clamped", Message("the model returns at most {limit} tokens", limit=sent))
    elif sent > other:
        builder.record(name, "mapped", SMALLER_LIMIT)
    elif own:
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", sent_as("max_tokens"), quiet=True)
    if sent < other:
        builder.record(OTHER[name], "mapped", SMALLER_LIMIT)
