"""Catalogs are YAML for people and JSON for us: a general YAML parser takes 60 to 150 ms for one of them, this 2 to 4.

Read here is a part of YAML: keys at the margin with a scalar, a list of ``- {…}`` or a map of ``key: {…}`` below them,
braces over as many lines as they need, double quotes, and comments. ``tests/config/test_catalog.py`` holds that a YAML
parser reads the same from every catalog. What operators write is never read by this.
"""

import re
from typing import Any

import orjson

_COMMENT = re.compile(r"(?m)(?:^|[ \t]+)#.*$")
_SECTION = re.compile(r"(?m)^([a-z_]+):[ \t]*(.*)\n((?:[ \t].*\n|\n)*)")
_ITEM = re.compile(r"(?m)^  - (?=\{)")
_ENTRY = re.compile(r"(?m)^  (?=[^ ])")
_END = r"(?=\s*(?:[\]},]|:\s|$))"
_WORD = re.compile(
    r'("[^"]*")'  # quoted already
    rf"|(?:(-?\d+(?:\.\d+)?|true|false|null){_END})"  # JSON's own words
    rf'|([^\s\[\]{{}},:"](?:[^\[\]{{}},:"\n]|:(?!\s))*?){_END}'  # the rest are strings: what YAML calls plain scalars
)


def read(text: str) -> dict[str, Any]:
    """The members of a compact YAML text. Dates stay strings. Raises ValueError for what is beyond that part of YAML."""
    text = _COMMENT.sub("", text + "\n")
    if _SECTION.sub("", text).strip("\n -"):
        raise ValueError(f"not in the compact form: {_SECTION.sub('', text).strip()[:60]!r}")
    return {key: _value(scalar, body) for key, scalar, body in _SECTION.findall(text)}


def _value(scalar: str, body: str) -> Any:
    if scalar.strip():
        return orjson.loads(_quoted(scalar.strip()))
    before, *items = _ITEM.split(body)
    if items and not before.strip():
        return [orjson.loads(_quoted(item)) for item in items]
    entries = [entry for entry in _ENTRY.split(body) if entry.strip()]
    return orjson.loads("{" + ",".join(map(_quoted, entries)) + "}")


def _quoted(text: str) -> str:
    return _WORD.sub(lambda m: f'"{m[3]}"' if m[3] else m[0], text)
