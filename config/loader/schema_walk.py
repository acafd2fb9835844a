"""Look up the schema at a path of the settings: which keys exist, and which type of value each takes."""

from collections.abc import Iterable
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from config.catalog.models import CatalogSection
from config.schema import Policy, PolicyKeys, Settings
from config.sections import Section


def unwrap(annotation: Any) -> Any:
    """Return an annotation without ``Annotated`` and ``| None``; of a union, the first member that is a section."""
    if get_origin(annotation) is Annotated:
        inner, *notes = get_args(annotation)
        return Policy if any(isinstance(note, PolicyKeys) for note in notes) else unwrap(inner)
    if isinstance(annotation, type) or get_origin(annotation) in (dict, list):
        return annotation
    members = [unwrap(member) for member in get_args(annotation) if member is not NoneType]
    return next((member for member in members if is_section(member)), annotation)


def is_section(annotation: Any) -> bool:
    """Whether this is a model of the settings or of a catalog."""
    return isinstance(annotation, type) and issubclass(annotation, Section | CatalogSection)


def fields(section: type[Section | CatalogSection]) -> dict[str, Any]:
    """Return the keys of a section with the types of their values."""
    return {
        name: Policy if any(isinstance(note, PolicyKeys) for note in field.metadata) else unwrap(field.annotation)
        for name, field in section.model_fields.items()
    }


def inside(annotation: Any, part: str | int) -> Any:
    """Return the type below a key or an index; None if there is none."""
    if is_section(annotation):
        return fields(annotation).get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) is dict:
        return unwrap(arguments[1])
    if get_origin(annotation) is list:
        return unwrap(arguments[0])
    return None


def at(loc: Iterable[str | int], top: type[Section | CatalogSection] = Settings) -> Any:
    """Return the type at a path of the settings, or of another section; None if the path does not exist."""
    found: Any = top
    for part in loc:
        found = inside(found, part)
    return found
