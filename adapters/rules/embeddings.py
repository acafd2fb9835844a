"""Rules for embeddings that vendors share: vector sizes, base64 encoding, and the number of texts per call."""

from collections.abc import Callable

from adapters.core.builder import RequestBuilder
from adapters.core.message import COMMA, Message, joined
from adapters.core.model import Model
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS
from adapters.rules.verdicts import Rewrite

ONLY_SIZE = Message("omitted: it is the model's only size")
ENCODED_FROM_FLOATS = Message("the vendor returns floats, which banjia encodes as base64")
FLOATS_REQUESTED = Message("banjia requests floats and encodes base64 itself")


def dimensions(name: str, value: int, builder: RequestBuilder) -> None:
    """Accept the sizes in the catalog's fact ``dimensions``; omit the field if the model has one size only.

    With the fact ``prefix_dimensions``, a smaller size is cut from the next larger one.
    """
    offered = builder.model.facts.get("dimensions") or []
    if value not in offered:
        larger = [size for size in offered if size > value]
        if larger and builder.model.facts.get("prefix_dimensions"):
            size = min(larger)
            if len(offered) > 1:
                builder.body[name] = size
            why = Message("banjia cuts the model's vectors of size {size} and normalizes them", size=size)
            builder.emulate(name, "dimensions", value, why)
            return
        if offered:
            sizes = joined(COMMA, map(str, offered))
            why = Message("the model offers vectors of size {sizes}, not {value}", sizes=sizes, value=value)
        else:
            why = Message("the model's vector size is fixed and cannot be {value}", value=value)
        builder.refuse(name, why)
    if len(offered) > 1:
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", ONLY_SIZE)


def encode_base64(name: str, value: str, builder: RequestBuilder) -> None:
    """Omit the field for a vendor without encodings, which sends floats: banjia encodes base64 from the same numbers."""
    builder.record(
        name,
        "mapped",
        DEFAULT_OMITTED if value == "float" else ENCODED_FROM_FLOATS,
    )


def request_floats(name: str, value: str, builder: RequestBuilder) -> None:
    """Request float from a vendor that documents only this encoding: banjia encodes base64 from it."""
    builder.body[name] = "float"
    builder.record(name, "honoured" if value == "float" else "mapped", FLOATS_REQUESTED)


def inputs(usual: int) -> Callable[[Model], int]:
    """Return a function for the maximum number of texts per call: the catalog's fact ``max_inputs``, else ``usual``."""
    return lambda model: int(model.facts.get("max_inputs") or usual)


SIZES = Rewrite(
    dimensions,
    Message("only sizes that the model offers; smaller ones if prefixes of its vectors are meant to be used"),
    ("honoured", "mapped", "clamped", "emulated", "refused"),
)
ENCODE_BASE64 = Rewrite(encode_base64, Message("banjia encodes base64"), ("mapped",))
REQUEST_FLOATS = Rewrite(request_floats, Message("banjia encodes base64"), ("honoured", "mapped"))
