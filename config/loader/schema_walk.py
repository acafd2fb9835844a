"""What the settings' models say of a place: which keys there are, and what kind of value stands there."""

from collections.abc import Iterable
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from config.catalog.models import CatalogSection
from config.schema import Policy, PolicyKeys, Section, Settings


def unwrap(annotation: Any) -> Any:
    """The annotation without ``Annotated`` and ``| None``; of a union, its first member that holds others."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        return Policy if any(isinstance(note, PolicyKeys) for note in notes) else unwrap(inner)
    if isinstance(annotation, type) or get_origin(annotation) in (dict, list):
        return annotation
    members = [unwrap(member) for member in get_args(annotation) if member is not NoneType]
    return next((member for member in members if is_section(member)), annotation)


def is_section(annotation: Any) -> bool:
    """Whether this is one of the settings' models, or of a catalog's."""
    return isinstance(annotation, type) and issubclass(annotation, Section | CatalogSection)


def fields(section: type[Section | CatalogSection]) -> dict[str, Any]:
    """The keys of a section, with what their values are."""
    return {
        name: Policy if any(isinstance(note, PolicyKeys) for note in field.metadata) else unwrap(field.annotation)
        for name, field in section.model_fields.items()
    }


def inside(annotation: Any, part: str | int) -> Any:
    """What stands under a key or an index of such a value; None where nothing may."""
    if is_section(annotation):
        return fields(annotation).get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return unwrap(arguments[1])
    if get_origin(annotation) is list:
        return unwrap(arguments[0])
    return None


def at(loc: Iterable[str | int], top: type[Section | CatalogSection] = Settings) -> Any:
    """What stands at a place of the settings, or of another section; None where nothing may."""
    found: Any = top
    for part in loc:
        found = inside(found, part)
    return found
