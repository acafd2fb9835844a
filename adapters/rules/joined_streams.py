"""Whole responses from models that only stream: banjia requests a stream, and the codec joins its chunks."""

from adapters.core.builder import RequestBuilder
from adapters.core.message import Message

ONLY_STREAMS = Message("the model only streams: banjia joins the chunks into a whole response")
EMULATION = "stream"
"""The name in ``policy.emulate``."""


def join_stream(builder: RequestBuilder, why: Message) -> None:
    """Request a stream, with usage, for a whole response. Raises Refused if the operator has disabled that."""
    builder.emulate("stream", EMULATION, True, why)
    builder.body["stream"] = True
    builder.add("stream_options", {"include_usage": True})
