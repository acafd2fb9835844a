"""In which language people are spoken to: English, or Chinese where the caller or the operator asks for it.

All that is written in this project is English; :mod:`proxy.phrasebook` says it in Chinese where it leaves. A request
that succeeds has no words of ours in it, and never comes here.
"""

import os
from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
VARIABLE = "BANJIA_LANG"


def configured(environ: Mapping[str, str] | None = None) -> Language:
    """The operator's language: that of ``BANJIA_LANG``, else English."""
    return "zh" if (os.environ if environ is None else environ).get(VARIABLE) == "zh" else "en"


def wanted(headers: Mapping[bytes, bytes]) -> Language:
    """The language for the caller with these headers: the one it asks for, else the operator's.

    OpenAI's SDKs ask for none, and Node's ``fetch`` for any: for them the operator decides.
    """
    asked = headers.get(b"accept-language")
    return (preferred(asked) if asked else None) or configured()


def preferred(accept: bytes) -> Language | None:
    """What an ``Accept-Language`` likes best of what there is, by its q-values; None if it names none of it.

    Any Chinese is taken for Chinese. Of two that are liked as much, the first is taken (RFC 9110, section 12.5.4).
    """
    best: Language | None = None
    most = 0.0
    for part in accept.decode("latin-1").lower().split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().partition("-")[0]
        try:
            liked = float(weight.partition("q=")[2] or 1)
        except ValueError:
            continue
        if liked > most and language in ("en", "zh"):
            best, most = "zh" if language == "zh" else "en", liked
    return best


def spoken(text: str, language: Language) -> str:
    """A message to a caller, in this language."""
    if language == "en":
        return text
    from proxy.phrasebook import ERRORS  # the book is read when it is first needed

    return ERRORS().said(text)


def for_operator(text: str) -> str:
    """A line to the operator, in the operator's language."""
    if configured() == "en":
        return text
    from proxy.phrasebook import LINES

    return LINES().line(text)
