"""What vendors share on embeddings: the sizes of a model, base64 made by us, and how many texts a call takes."""

from collections.abc import Callable

from adapters.core.params import Draft, Rewrite
from adapters.core.shapes import Model


def dimensions(name: str, value: int, draft: Draft) -> None:
    """Some models offer a list of sizes, others have one, as the catalog's fact ``dimensions`` says."""
    offered = draft.model.facts.get("dimensions") or []
    if value not in offered:
        draft.refuse(name, f"the model gives vectors of {', '.join(map(str, offered)) or 'one size'}, not of {value}")
    if len(offered) > 1:
        draft.body[name] = value
        draft.tell(name, "honoured", "sent as it came")
    else:
        draft.tell(name, "mapped", "the model's only size, said by leaving it out")


def floats(name: str, value: str, draft: Draft) -> None:
    """A vendor that names no encodings sends floats: base64 is made from them by us, from the same numbers."""
    draft.tell(
        name, "mapped", "the default, said by leaving it out" if value == "float" else "encoded by us from floats"
    )


def asked_for(name: str, value: str, draft: Draft) -> None:
    """A vendor that names float as its one encoding is asked for it: base64 is made from it by us."""
    draft.body[name] = "float"
    draft.tell(name, "honoured" if value == "float" else "mapped", "floats are asked for, and encoded by us")


def inputs(usual: int) -> Callable[[Model], int]:
    """How many texts one call takes, by the catalog's fact ``max_inputs``, or else as the vendor's models usually do."""
    return lambda model: int(model.facts.get("max_inputs") or usual)


SIZES = Rewrite(dimensions, "the sizes that the model offers", ("honoured", "mapped", "clamped", "refused"))
BASE64_BY_US = Rewrite(floats, "base64 is made by us", ("mapped",))
FLOATS_ASKED_FOR = Rewrite(asked_for, "base64 is made by us", ("honoured", "mapped"))
