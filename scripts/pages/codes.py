"""What each code of an error means: the texts of ``banjia help CODE``, as they ship with the package."""

from proxy.cli.help_codes import texts
from proxy.i18n.negotiate import Language


def text(file: str, language: Language) -> str:
    """The sections of a file of help texts."""
    return "\n" + "".join(f"### `{code}`\n\n{told}\n\n" for code, told in texts(file, language).items())
