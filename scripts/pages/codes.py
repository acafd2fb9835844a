"""The meaning of each error code: the texts of ``banjia help CODE`` from the package."""

from proxy.cli.help_codes import texts
from proxy.i18n.negotiate import Language


def text(file: str, language: Language) -> str:
    """Return the sections of a file of help texts."""
    return "\n" + "".join(f"### `{code}`\n\n{text}\n\n" for code, text in texts(file, language).items())
