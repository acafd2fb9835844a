"""The client's names of fields and paths in a request that was translated to another operation."""

from collections.abc import Mapping

from adapters.core.adaptations import Adaptation
from adapters.core.failures import Refused
from adapters.core.request import Translation

PATHS = ("name", "where")
"""The fields of messages that have the path of a parameter."""


def client_name(path: str, names: Mapping[str, str]) -> str:
    """Return the client's name of a path: that of the longest part of it that has one, and the rest."""
    end = len(path)
    while end > 0:
        name = names.get(path[:end])
        if name is not None:
            return name + path[end:]
        end = max(path.rfind(".", 0, end), path.rfind("[", 0, end))
    return path


def refused_in_client_terms(refused: Refused, names: Mapping[str, str]) -> Refused:
    """Return the refusal with the client's name of its parameter, in its message as well."""
    param, message = client_name(refused.param, names), refused.message
    if param == refused.param:
        return refused
    paths = {field: value for field in PATHS if type(value := message.fields.get(field)) is str}
    renamed = {field: client_name(value, names) for field, value in paths.items()}
    return Refused(param, message.with_fields(**renamed) if renamed else message, refused.code)


def adaptations_to_plan(translation: Translation) -> Mapping[str, Adaptation]:
    """Return the adaptations of a translation that planning starts with.

    Without those of a field whose name in chat stands for another field of the client: a ``response_format`` beside
    ``text.format``, for example, whose own verdict comes with the plan.
    """
    if not translation.names:
        return translation.adaptations
    return {name: verdict for name, verdict in translation.adaptations.items() if name not in translation.names}


def adaptations_in_client_terms(
    adaptations: Mapping[str, Adaptation], translation: Translation
) -> dict[str, Adaptation]:
    """Return the adaptations of a plan under the client's names. Those of the translation have them already.

    Of two with the same name the one that changed more stays, else the later, which is the vendor's.
    """
    names = translation.names
    out = {name: verdict for name, verdict in translation.adaptations.items() if name in names}
    for field, adaptation in adaptations.items():
        name = field
        if translation.adaptations.get(field) is not adaptation:
            name = names.get(field) or client_name(field, names)
        before = out.get(name)
        if before is None or _weight(before) <= _weight(adaptation):
            out[name] = adaptation
    return out


def _weight(adaptation: Adaptation) -> int:
    return 0 if adaptation.word == "honoured" else 1 if adaptation.quiet else 2
