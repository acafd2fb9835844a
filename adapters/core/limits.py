"""The verdict on OpenAI's two limits of tokens, at vendors that refuse what is above a model's own."""

from adapters.core.params import Draft

OTHER = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


def limit(name: str, value: int, draft: Draft) -> None:
    """Never more than the model gives; where both are sent under one name, the smaller, and the larger is told.

    The newer ``max_completion_tokens`` goes out as ``max_tokens`` but to models whose catalog row says that they take it.
    """
    own = name == "max_tokens" or bool(draft.model.facts.get("max_completion_tokens"))
    to = name if own else "max_tokens"
    sent = min(value, draft.model.max_output or value)
    other = draft.body.get(to, sent)
    draft.body[to] = min(sent, other)
    if sent != value:
        draft.tell(name, "clamped", f"the model gives at most {sent} tokens")
    elif sent > other:
        draft.tell(name, "mapped", "the smaller of the two limits is sent")
    elif own:
        draft.tell(name, "honoured", "sent as it came")
    else:
        draft.tell(name, "mapped", "sent as max_tokens", quiet=True)
    if sent < other:
        draft.tell(OTHER[name], "mapped", "the smaller of the two limits is sent")
