"""OpenAI's model names of 2022 to 2026: dated and alias forms, and the dimensions of embeddings.

Sources: the model enumerations of OpenAI's API descriptions of July 2024 and of 2026; for names that both leave out,
OpenAI's deprecations page (low: not read again). Azure writes ``gpt-35-turbo`` for ``gpt-3.5-turbo``.

A form of a name has the same endpoint and the same inputs, and never another size or modality. So ``gpt-4o`` has
``chatgpt-4o-latest``, but neither ``gpt-4o-mini`` nor ``gpt-4o-audio-preview``; ``gpt-4-turbo`` accepts images, so the text
models ``gpt-4-0125-preview`` and ``gpt-4-1106-preview`` are forms of ``gpt-4-turbo-preview``. ``NAME-YYYY-MM-DD`` and
``NAME-MMDD`` are forms of a chat or completions NAME for any date, also one that is not listed here.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache

CHAT: Mapping[str, tuple[str, ...]] = {
    "gpt-4o": ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20", "chatgpt-4o-latest"),
    "gpt-4o-mini": ("gpt-4o-mini-2024-07-18",),
    "gpt-4-turbo": ("gpt-4-turbo-2024-04-09",),
    "gpt-4-turbo-preview": ("gpt-4-0125-preview", "gpt-4-1106-preview"),
    "gpt-4-vision-preview": ("gpt-4-1106-vision-preview",),  # the form: from the deprecations page
    "gpt-4": ("gpt-4-0314", "gpt-4-0613"),
    "gpt-4-32k": ("gpt-4-32k-0314", "gpt-4-32k-0613"),
    "gpt-4.5-preview": ("gpt-4.5-preview-2025-02-27",),  # both: from the deprecations page
    "gpt-4.1": ("gpt-4.1-2025-04-14",),
    "gpt-4.1-mini": ("gpt-4.1-mini-2025-04-14",),
    "gpt-4.1-nano": ("gpt-4.1-nano-2025-04-14",),
    "gpt-3.5-turbo": ("gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0125"),
    "gpt-3.5-turbo-16k": ("gpt-3.5-turbo-16k-0613",),
    "o1": ("o1-2024-12-17",),
    "o1-preview": ("o1-preview-2024-09-12",),
    "o1-mini": ("o1-mini-2024-09-12",),
    "o3": ("o3-2025-04-16",),
    "o3-mini": ("o3-mini-2025-01-31",),
    "o4-mini": ("o4-mini-2025-04-16",),
    # gpt-5-chat-latest does not reason, and the codex models are for another task: none is a form of gpt-5.
    "gpt-5": ("gpt-5-2025-08-07",),
    "gpt-5-mini": ("gpt-5-mini-2025-08-07",),
    "gpt-5-nano": ("gpt-5-nano-2025-08-07",),
    "gpt-5-chat-latest": (),
    "gpt-5.1": ("gpt-5.1-2025-11-13",),
    "gpt-5.1-mini": (),
    "gpt-5.1-chat-latest": (),
    "gpt-5.1-codex": (),
    "gpt-5.2": ("gpt-5.2-2025-12-11",),
    "gpt-5.2-pro": ("gpt-5.2-pro-2025-12-11",),
    "gpt-5.2-chat-latest": (),
    "gpt-5.3-chat-latest": (),
    "gpt-5.4": (),
    "gpt-5.4-mini": ("gpt-5.4-mini-2026-03-17",),
    "gpt-5.4-nano": ("gpt-5.4-nano-2026-03-17",),
    "gpt-5.5": ("gpt-5.5-2026-04-23",),
    # gpt-5.6 occurs only in prose of the API description; whether it is one of these three is unknown.
    "gpt-5.6-sol": (),
    "gpt-5.6-terra": (),
    "gpt-5.6-luna": (),
    # Other modalities, or with built-in search: each has its own dates.
    "gpt-4o-audio-preview": (
        "gpt-4o-audio-preview-2024-10-01", "gpt-4o-audio-preview-2024-12-17", "gpt-4o-audio-preview-2025-06-03",
    ),
    "gpt-4o-mini-audio-preview": ("gpt-4o-mini-audio-preview-2024-12-17",),
    "gpt-4o-search-preview": ("gpt-4o-search-preview-2025-03-11",),
    "gpt-4o-mini-search-preview": ("gpt-4o-mini-search-preview-2025-03-11",),
    # OpenAI serves these at /v1/responses only. In banjia they are chat names if models lists them.
    "o1-pro": ("o1-pro-2025-03-19",),
    "o3-pro": ("o3-pro-2025-06-10",),
    "o3-deep-research": ("o3-deep-research-2025-06-26",),
    "o4-mini-deep-research": ("o4-mini-deep-research-2025-06-26",),
    "gpt-5-pro": ("gpt-5-pro-2025-10-06",),
    "gpt-5-codex": (),
    "gpt-5.1-codex-max": (),
    "gpt-5.5-pro": ("gpt-5.5-pro-2026-04-23",),
    "codex-mini-latest": (),
}  # fmt: skip
"""Names of ``/v1/chat/completions``, each with its forms."""

COMPLETIONS: Mapping[str, tuple[str, ...]] = {
    "gpt-3.5-turbo-instruct": ("gpt-3.5-turbo-instruct-0914",),  # the form: from the deprecations page
    "davinci-002": (),
    "babbage-002": (),
    "text-davinci-003": (),  # this and text-davinci-002 are two models
}
"""Names of ``/v1/completions``."""

EMBEDDINGS: Mapping[str, tuple[str, ...]] = {
    "text-embedding-ada-002": ("text-embedding-ada-002-v2",),  # the form: the name in OpenAI's own responses
    "text-embedding-3-small": (),
    "text-embedding-3-large": (),
}
"""Names of ``/v1/embeddings``."""

MODERATIONS: Mapping[str, tuple[str, ...]] = {
    "omni-moderation-latest": ("omni-moderation-2024-09-26",),
    "text-moderation-latest": ("text-moderation-stable",),  # text only: not a form of omni-moderation
}
"""Names of ``/v1/moderations``. ``policy.moderations`` selects the target, whatever the name."""

NAMES: Mapping[str, tuple[str, ...]] = {**CHAT, **COMPLETIONS, **EMBEDDINGS, **MODERATIONS}
"""Every name with its listed forms."""

WIDTHS: Mapping[str, int] = {
    "text-embedding-ada-002": 1536,
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
}
"""Default dimensions of an embeddings name (OpenAI's guide to embeddings)."""

_NAME_OF = {form: name for name, forms in NAMES.items() for form in forms}
_OPENAIS, _AZURES = "gpt-3.5-turbo", "gpt-35-turbo"
_DATE = re.compile(r"-(?:20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))\Z")


def covering(name: str) -> tuple[str, ...]:
    """Return the names whose route this name uses if it has none of its own, the most specific first.

    ``gpt-35-turbo-0613`` has ``gpt-3.5-turbo-0613``, which is the same model, then ``gpt-35-turbo``, then
    ``gpt-3.5-turbo``. Empty for a name that is not a form of another.
    """
    general = name_of(name)
    generals = [general, other_spelling(general)]
    if name.startswith(_AZURES):
        generals.reverse()
    candidates = dict.fromkeys([other_spelling(name), *generals])
    return tuple(candidate for candidate in candidates if candidate and candidate != name)


def other_spelling(name: str) -> str:
    """Return Azure's spelling of an OpenAI name, or OpenAI's of an Azure name; empty if both are the same."""
    if name.startswith(_OPENAIS) and _general(name):
        return _AZURES + name.removeprefix(_OPENAIS)
    if name.startswith(_AZURES) and _general(swapped := _OPENAIS + name.removeprefix(_AZURES)):
        return swapped
    return ""


def name_of(name: str) -> str:
    """Return the OpenAI name, in OpenAI's spelling, that this is or is a form of; empty if there is none."""
    return _general(_OPENAIS + name.removeprefix(_AZURES) if name.startswith(_AZURES) else name)


def is_no_form(name: str) -> bool:
    """Whether a name is not a form of another. Lists leave forms out."""
    return name_of(name) in ("", name)


def _general(name: str) -> str:
    if name in NAMES:
        return name
    if name in _NAME_OF:
        return _NAME_OF[name]
    stem = _DATE.sub("", name)
    return stem if stem != name and (stem in CHAT or stem in COMPLETIONS) else ""


@cache
def forms_of(name: str) -> tuple[str, ...]:
    """Return the known names that use this name's route if they have none of their own."""
    return tuple(known for known in known_names() if name in covering(known))


@cache
def known_names() -> tuple[str, ...]:
    """Return every name and form, in OpenAI's spelling and in Azure's."""
    plain = [spelt for name, forms in NAMES.items() for spelt in (name, *forms)]
    return tuple(dict.fromkeys([*plain, *filter(None, map(other_spelling, plain))]))


def taken_by(name: str, mapped: Iterable[str]) -> str | None:
    """Return the mapped name whose route this name uses: itself, else the most specific that covers it, else None."""
    known = set(mapped)
    return next((candidate for candidate in (name, *covering(name)) if candidate in known), None)


def width_of(name: str) -> int | None:
    """Return the default dimensions of OpenAI's embeddings under this name or form; None for other names."""
    return WIDTHS.get(name_of(name))
