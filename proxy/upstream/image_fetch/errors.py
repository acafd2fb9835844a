"""Why an image was not fetched: a text for the client, and a word for the log."""

from typing import Literal

from adapters.core.message import Message

Cause = Literal[
    "url",  # the URL itself is not accepted
    "address",  # the host has an address that is not public
    "dns",
    "connect",
    "connect_timeout",
    "outbound_proxy",
    "status",  # neither 200 nor a redirect
    "redirect",
    "encoded",  # a content-encoding
    "type",  # the data is no image of an accepted type
    "size",
    "cut",  # the connection broke, or the response is not valid HTTP
    "total_timeout",
    "many",  # more images than a request may have
]


class ImageError(Exception):
    """An image was not fetched. ``message`` names the host, never an address that the host resolved to.

    ``url``: the URL, once it is known which of several failed. ``transient``: the connection failed before a byte
    arrived, so that a second attempt may succeed.
    """

    def __init__(self, why: Message, cause: Cause, *, host: str = "", transient: bool = False) -> None:
        if host:
            text = Message(
                "The image at {host} can't be fetched: {why}. Send the image data as a data: URI instead.",
                host=host,
                why=why,
            )
        else:
            text = Message(
                "The image can't be fetched: {why}. Send the image data as a data: URI instead.",
                why=why,
            )
        super().__init__(text)
        self.message = text
        self.cause: Cause = cause
        self.transient = transient
        self.url = ""


class FetchesBusy(Exception):
    """All places for fetches, or for DNS lookups, are taken."""


def unreachable(host: str, cause: Cause, *, transient: bool = False) -> ImageError:
    """Return the error for every failure before a response head, whatever the cause.

    The text is the same for an address that is refused, a port that is closed and a host that does not exist: otherwise
    clients could use banjia to explore the network that it runs in.
    """
    return ImageError(Message("its host is not public, or does not answer"), cause, host=host, transient=transient)
