"""The verdict on OpenAI's two limits of tokens, at vendors that refuse what is above a model's own."""

from adapters.core.builder import RequestBuilder

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
        builder.record(name, "clamped", f"the model gives at most {sent} tokens")
    elif sent > other:
        builder.record(name, "mapped", "the smaller of the two limits is sent")
    elif own:
        builder.record(name, "honoured", "sent as it came")
    else:
        builder.record(name, "mapped", "sent as max_tokens", quiet=True)
    if sent < other:
        builder.record(OTHER[name], "mapped", "the smaller of the two limits is sent")
