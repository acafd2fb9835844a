"""Reasons that many tables give. They are made once: a request that succeeds gives some of them too."""

from functools import lru_cache

from adapters.core.message import Message

SENT_AS_IS = Message("sent as it came")
ALWAYS_THINKS = Message("the model always thinks")
NEVER_THINKS = Message("the model does not think")


@lru_cache(maxsize=1024)
def sent_as(sent: object) -> Message:
    """The reason of a value or a name that is sent in the place of another."""
    return Message("sent as {sent}", sent=sent)
