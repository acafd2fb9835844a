"""Translation catalogs: ``scripts/messages`` updates them, ``scripts/messages --check`` checks them.

A message is a call ``Message("template", field=…)`` in the source, or the first line of a command's help. Its template is
the msgid. ``banjia.po`` has the translations of banjia's messages, ``click.po`` those of the texts that click prints.

The check fails for a translation whose template is not in the source, for fields that differ between a template and its
translation, for a template that is not a literal, and for a ``.mo`` that was not compiled from its ``.po``. A template
without a translation is a warning: it is shown in English.
"""

import argparse
import ast
import datetime
import io
import re
import string
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCES = ("adapters", "config", "proxy")
LOCALE = ROOT / "proxy" / "i18n" / "locale"
LANGUAGES = ("zh",)
HEADER = """# Translations of banjia's messages. scripts/messages adds templates, removes old ones and compiles the .mo beside it.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""The date in every ``.mo``, constant so that compiling again changes nothing."""
CLICK_KEYWORDS = {"_": None, "ngettext": (1, 2)}
Texts = str | tuple[str, ...]
"""One text, or a singular with its plurals."""


class BadTemplate(ValueError):
    """A template that can't be extracted; the message names the place and the reason."""


def templates() -> dict[str, bool]:
    """Return the templates of the source, and whether each has fields. Raises BadTemplate."""
    found: dict[str, bool] = {}
    for package in SOURCES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for line, template, has_fields in (*_calls(tree), *_helps(tree)):
                where = f"{path.relative_to(ROOT)}:{line}"
                if template is None:
                    raise BadTemplate(f"{where}: the template of a message is not a literal")
                if has_fields and fields_of(template) is None:
                    raise BadTemplate(f"{where}: not a template: {template!r}")
                if template:
                    found[template] = found.get(template, False) or has_fields
    return found


def _calls(tree: ast.AST) -> Iterator[tuple[int, str | None, bool]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Message" and node.args:
            template = node.args[0]
            if isinstance(template, ast.Constant) and isinstance(template.value, str):
                yield node.lineno, template.value, bool(node.keywords)
            elif isinstance(template, ast.JoinedStr | ast.BinOp):
                yield node.lineno, None, False


def _helps(tree: ast.AST) -> Iterator[tuple[int, str, bool]]:
    """Return the first lines of the docstrings of click's commands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(_is_command(one) for one in node.decorator_list):
            yield node.lineno, (ast.get_docstring(node) or "").partition("\n")[0], False


def _is_command(decorator: ast.expr) -> bool:
    call = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(call, ast.Attribute) and call.attr in ("command", "group")


def fields_of(template: str) -> set[str] | None:
    """Return the fields of a template; None if it is malformed, or has anything but plain names in its braces."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:
        return None
    names = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
    if any(spec or conversion or not name.isidentifier() for name, spec, conversion in names):
        return None
    return {name for name, _, _ in names}


def click_texts() -> set[Texts]:
    """Return the texts that the installed click translates."""
    import click

    found: set[Texts] = set()
    for path in sorted(Path(click.__file__).parent.glob("*.py")):
        with path.open("rb") as file:
            for _, messages, _, _ in extract("python", file, CLICK_KEYWORDS):
                found.add(messages if isinstance(messages, str) else tuple(messages))
    return found


def po_of(language: str, domain: str) -> Path:
    """Return the file of a domain's translations."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(path: Path) -> Catalog:
    """Read a ``.po``."""
    with path.open("rb") as file:
        catalog = read_po(file, locale=path.parts[-3], abort_invalid=True)
    catalog.creation_date = catalog.revision_date = EPOCH
    return catalog


def texts_of(catalog: Catalog) -> dict[Texts, Texts]:
    """Return the translations of a catalog, without missing ones."""
    return {
        message.id if isinstance(message.id, str) else tuple(message.id): (
            message.string if isinstance(message.string, str) else tuple(message.string)
        )
        for message in catalog
        if message.id and message.string
    }


def compiled(path: Path) -> dict[Texts, Texts]:
    """Return the translations of a ``.mo``."""
    with path.open("rb") as file:
        return texts_of(read_mo(file))


def differing(translations: Mapping[Texts, Texts], formatted: Mapping[str, bool]) -> list[str]:
    """Return the translations whose fields differ from their template's."""
    return [
        str(english)
        for english, other in translations.items()
        if isinstance(english, str) and isinstance(other, str) and formatted.get(english)
        if fields_of(english) != fields_of(other)
    ]


def check(language: str) -> tuple[list[str], list[str]]:
    """Return the errors and the warnings of a language's catalogs."""
    source = templates()
    path, click_path = po_of(language, "banjia"), po_of(language, "click")
    ours, clicks = texts_of(read(path)), texts_of(read(click_path))
    listed = [message.id for message in read(path) if message.id]
    errors = [f"{path.name}: not in the source: {one!r}" for one in listed if one not in source]
    errors += [f"{path.name}: other fields than its template: {one!r}" for one in differing(ours, source)]
    errors += [f"{click_path.name}: not a text of click: {one!r}" for one in set(clicks) - click_texts()]
    for po, translations in ((path, ours), (click_path, clicks)):
        if not po.with_suffix(".mo").exists() or compiled(po.with_suffix(".mo")) != translations:
            errors.append(f"{po.with_suffix('.mo').name} is not compiled from {po.name}: run scripts/messages")
    return errors, [f"{path.name}: no translation: {one!r}" for one in source if one not in ours]


def update(language: str) -> None:
    """Add the templates of the source to ``banjia.po``, remove the others, and compile every ``.mo``."""
    path = po_of(language, "banjia")
    known = texts_of(read(path)) if path.exists() else {}
    catalog = Catalog(locale=language)
    for template, has_fields in templates().items():
        flags = ["python-brace-format"] if has_fields else []
        catalog.add(template, known.get(template, ""), flags=flags)
        catalog[template].flags = set(flags)
    write(path, catalog, language)
    for po in (path, po_of(language, "click")):
        with po.with_suffix(".mo").open("wb") as file:
            write_mo(file, read(po))


def write(path: Path, catalog: Catalog, language: str) -> None:
    """Write a ``.po`` sorted by template, without source locations, which would change with every edit."""
    body = io.BytesIO()
    write_po(body, catalog, width=0, no_location=True, omit_header=True, sort_output=True)
    text = re.sub(r"\n{3,}", "\n\n", body.getvalue().decode()).strip("\n")
    path.write_text(HEADER.format(language=language) + text + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run ``scripts/messages``. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/messages", description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if a catalog is wrong")
    if not parser.parse_args(arguments).check:
        for language in LANGUAGES:
            update(language)
    errors: list[str] = []
    for language in LANGUAGES:
        found, warnings = check(language)
        errors += found
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
