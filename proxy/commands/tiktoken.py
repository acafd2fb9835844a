"""``banjia tiktoken``: OpenAI's token tables where a client's tiktoken looks for them, so that it downloads nothing.

tiktoken keeps each table in a folder under the SHA-1 of the URL that it would download it from (tiktoken 0.3 to 0.14,
``load.py``): the folder of ``TIKTOKEN_CACHE_DIR``, else that of ``DATA_GYM_CACHE_DIR``.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from proxy.openai_api.token_ids import CL100K, O200K, Encoding, data

URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
"""Where tiktoken downloads a table. banjia does not: it only needs the name."""


class NotInstalled(Exception):
    """The extra ``banjia[tokens]`` is not installed."""


def name_of(encoding: Encoding) -> str:
    """The name of a table's file in tiktoken's folder."""
    return hashlib.sha1(URL.format(encoding.name).encode(), usedforsecurity=False).hexdigest()


def export(folder: Path) -> None:
    """Write both tables to the directory, creating it. Raises NotInstalled without the extra, OSError if writing fails."""
    found = [(name_of(encoding), data(encoding)) for encoding in (CL100K, O200K)]
    for name, table in found:
        if table is None:
            raise NotInstalled
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / name, table)


def _write(path: Path, table: bytes) -> None:
    """Replace a file atomically: a client may be reading it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as part:
        part.write(table)
    os.chmod(part.name, 0o644)  # noqa: PTH101 - a public table
    Path(part.name).replace(path)


def variables(folder: Path) -> dict[str, str]:
    """Return the variables that point a client's tiktoken to the directory."""
    return dict.fromkeys(("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"), str(folder.resolve()))
