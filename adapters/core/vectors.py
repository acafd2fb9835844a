"""Verdicts on embeddings that vendors share: the sizes of a model, and base64 made by us."""

from adapters.core.params import Draft, Rewrite


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


SIZES = Rewrite(dimensions, "the sizes that the model offers", ("honoured", "mapped", "refused"))
BASE64_BY_US = Rewrite(floats, "base64 is made by us", ("mapped",))
