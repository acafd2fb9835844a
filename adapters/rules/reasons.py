"""Verdict reasons that many tables share. They are created once, because successful requests use some of them too."""

from functools import lru_cache

from adapters.core.message import Message

SENT_AS_IS = Message("sent unchanged")
ALWAYS_THINKS = Message("the model always thinks")
DEFAULT_OMITTED = Message("omitted: it is the default")
EMPTY_OMITTED = Message("omitted: the list is empty")
NO_SUCH_SWITCH = Message("the model has no such setting")
SENT_AS_USER = Message("the vendor requires a user message: the last system message is sent as one")
OWN_SEARCH = Message("the vendor's own web search is enabled; it returns no annotations")
RUNS_WITHOUT_THINKING = Message("the request runs without thinking")
NEVER_THINKS = Message("the model does not think")


@lru_cache(maxsize=1024, typed=True)
def sent_as(sent: object) -> Message:
    """Return the reason of a value or name that is sent in place of another."""
    return Message("sent as {sent}", sent=sent)
