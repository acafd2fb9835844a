"""Translate messages with the gettext catalogs in ``locale``. A catalog is read when the first message needs it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from adapters.core.message import LookUp, Message
from proxy.i18n.negotiate import Language, configured

DOMAIN = "banjia"
FOLDER = Path(__file__).with_name("locale")


def translate(text: str, language: Language) -> str:
    """Return a message in this language. Plain texts and messages without a translation are returned in English."""
    if language == "en":
        return text
    return text.translated(_look_up(language)) if isinstance(text, Message) else text


def for_operator(text: str) -> str:
    """Return a message in the operator's language."""
    return translate(text, configured())


@contextmanager
def click_in(language: Language) -> Iterator[None]:
    """Translate click's own words while the block runs: click takes them from gettext's default domain.

    gettext finds the language in the environment, where ``LANGUAGE`` comes before the locale.
    """
    if language == "en":
        yield
        return
    import gettext

    domain, names = gettext.textdomain(), os.environ.get("LANGUAGE")
    gettext.bindtextdomain("click", str(FOLDER))
    gettext.textdomain("click")
    os.environ["LANGUAGE"] = language
    try:
        yield
    finally:
        gettext.textdomain(domain)
        os.environ.pop("LANGUAGE")
        if names is not None:
            os.environ["LANGUAGE"] = names


@cache
def _look_up(language: Language) -> LookUp:
    """Return the look-up of templates: template to translation, empty if there is none."""
    from gettext import GNUTranslations, NullTranslations

    class Missing(NullTranslations):
        def gettext(self, message: str) -> str:
            return ""

    with FOLDER.joinpath(language, "LC_MESSAGES", f"{DOMAIN}.mo").open("rb") as file:
        translations = GNUTranslations(file)
    translations.add_fallback(Missing())
    return translations.gettext
