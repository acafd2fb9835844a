"""The verdict on OpenAI's two limits of tokens, at vendors that refuse what is above a model's own."""

from adapters.core.builder import RequestBuilder
from adapters.core.message import Message
from adapters.rules.reasons import SENT_AS_IS, sent_as

SMALLER_LIMIT = Message("the smaller of the two limits is sent")

OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def send_token_limit(name: str, value: int, builder: RequestBuilder) -> None:
    """Never more than the model gives; where both are sent under one name, the smaller, and the larger is told.

    The newer ``max_completion_tokens`` goes out as ``max_tokens`` but to models whose catalog row says that they take it.
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
