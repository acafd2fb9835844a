"""What vendors share on embeddings: the sizes of a model, base64 made by us, and how many texts a call takes."""

from collections.abc import Callable

from adapters.core.builder import RequestBuilder
from adapters.core.model import Model
from adapters.rules.verdicts import Rewrite


def dimensions(name: str, value: int, builder: RequestBuilder) -> None:
    """Some models offer a list of sizes, others have one, as the catalog's fact ``dimensions`` says."""
    offered = builder.model.facts.get("dimensions") or []
    if value not in offered:
        builder.refuse(name, f"the model gives vectors of {', '.join(map(str, offered)) or 'one size'}, not of {value}")
    if len(offered) > 1:
        builder.body[name] = value
        builder.record(name, "honoured", "sent as it came")
    else:
        builder.record(name, "mapped", "the model's only size, said by leaving it out")


def encode_base64(name: str, value: str, builder: RequestBuilder) -> None:
    """A vendor that names no encodings sends floats: base64 is made from them by us, from the same numbers."""
    builder.record(
        name, "mapped", "the default, said by leaving it out" if value == "float" else "encoded by us from floats"
    )


def request_floats(name: str, value: str, builder: RequestBuilder) -> None:
    """A vendor that names float as its one encoding is asked for it: base64 is made from it by us."""
    builder.body[name] = "float"
    builder.record(name, "honoured" if value == "float" else "mapped", "floats are asked for, and encoded by us")


def inputs(usual: int) -> Callable[[Model], int]:
    """How many texts one call takes, by the catalog's fact ``max_inputs``, or else as the vendor's models usually do."""
    return lambda model: int(model.facts.get("max_inputs") or usual)


SIZES = Rewrite(dimensions, "the sizes that the model offers", ("honoured", "mapped", "clamped", "refused"))
BASE64_BY_US = Rewrite(encode_base64, "base64 is made by us", ("mapped",))
FLOATS_ASKED_FOR = Rewrite(request_floats, "base64 is made by us", ("honoured", "mapped"))
