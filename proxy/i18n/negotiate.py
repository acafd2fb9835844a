"""Choose the language of messages: Chinese if the client or the operator requests it, else English."""

import os
from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh"]
VARIABLE = "BANJIA_LANG"


def configured(environ: Mapping[str, str] | None = None) -> Language:
    """Return the operator's language from ``BANJIA_LANG``, else English."""
    return "zh" if (os.environ if environ is None else environ).get(VARIABLE) == "zh" else "en"


def wanted(headers: Mapping[bytes, bytes]) -> Language:
    """Return the language that the request headers prefer, else the operator's.

    OpenAI's SDKs send no ``Accept-Language``, and Node's ``fetch`` sends ``*``: for them the operator's language applies.
    """
    asked = headers.get(b"accept-language")
    return (preferred(asked) if asked else None) or configured()


def preferred(accept: bytes) -> Language | None:
    """The language that an ``Accept-Language`` prefers by its q-values; None if it names neither.

    Any Chinese is taken for Chinese. Of two with the same q-value, the first is taken (RFC 9110, section 12.5.4).
    """
    best: Language | None = None
    most = 0.0
    for part in accept.decode("latin-1").lower().split(","):
        tag, _, weight = part.partition(";")
        language = tag.strip().partition("-")[0]
        try:
            quality = float(weight.partition("q=")[2] or 1)
        except ValueError:
            continue
        if quality > most and language in ("en", "zh"):
            best, most = "zh" if language == "zh" else "en", quality
    return best
