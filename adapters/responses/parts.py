"""Content parts of the Responses API as parts of chat messages.

A text file becomes text in front of the other parts. Source: OpenAI's published API description of 2026-08
(``InputTextContent``, ``InputImageContent``, ``InputFileContent``, ``OutputMessageContent``).
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any, NamedTuple

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.responses.builder import ResponsesBuilder

Part = dict[str, Any]

TEXT_PARTS: Mapping[str, str] = {
    "input_text": "text",
    "output_text": "text",
    "text": "text",
    "refusal": "refusal",
}
"""The types of parts that only have a text, each with the member that has it."""
MAX_FILE_BYTES = 1 << 20
"""The largest text file that is sent as a part of the prompt."""
TEXT_TYPES = frozenset({"application/json", "application/csv", "application/markdown", "application/x-ndjson"})
"""Media types of text files beside ``text/*``."""
EXTENSIONS = (".csv", ".json", ".jsonl", ".log", ".markdown", ".md", ".tsv", ".txt", ".xml", ".yaml", ".yml")
"""Ends of the names of text files, for data without a media type."""
NO_TYPE = frozenset({"", "application/octet-stream"})

FILE_AS_TEXT = Message("the file's text is sent as a part of the message")
ONLY_TEXT_FILES = Message("only text files can be sent (text/*, JSON, CSV, Markdown): send the document's text")
TOO_LARGE = Message("a text file may have at most {most} bytes", most=MAX_FILE_BYTES)
NO_FILE_URLS = Message("banjia downloads no files: send the file's data in file_data")
NOT_TEXT = Message("the file is not valid UTF-8")
NOT_BASE64 = Message("file_data is no base64")


class PlacedPart(NamedTuple):
    """A part of a chat message, and the path of the part that the client sent."""

    part: Part
    where: str


def text_of(content: str | list[Part]) -> str:
    """Return the text of a message that only has text."""
    if isinstance(content, str):
        return content
    return "".join(part[TEXT_PARTS[part["type"]]] for part in content)


def placed_parts(where: str, content: list[Part], builder: ResponsesBuilder) -> list[PlacedPart]:
    """Return the parts for chat: the texts of files first, then the others in order. Raises Refused."""
    files: list[PlacedPart] = []
    others: list[PlacedPart] = []
    for at, part in enumerate(content):
        path, type_ = f"{where}[{at}]", part["type"]
        if type_ in TEXT_PARTS:
            others.append(PlacedPart({"type": "text", "text": part[TEXT_PARTS[type_]]}, path))
        elif type_ == "input_image":
            others.append(PlacedPart(_image(path, part), path))
        elif type_ == "input_file":
            files.append(PlacedPart({"type": "text", "text": _file_text(path, part)}, path))
            builder.record("input.input_file", "emulated", FILE_AS_TEXT)
        else:
            others.append(PlacedPart({"type": "input_audio", "input_audio": part["input_audio"]}, path))
    return files + others


def _image(where: str, part: Part) -> Part:
    url, file_id = part.get("image_url"), part.get("file_id")
    if url is None:
        raise no_such_file(f"{where}.file_id", file_id)
    detail = part.get("detail") or "auto"
    return {"type": "image_url", "image_url": {"url": url, **({} if detail == "auto" else {"detail": detail})}}


def no_such_file(where: str, file_id: object) -> Refused:
    """Return the error for a file that is not stored."""
    return Refused(where, Message("File with id '{id}' not found.", id=str(file_id)[:64]), code=None)


def _file_text(where: str, part: Part) -> str:
    """Return the text of a file with its name. Raises Refused for another kind of file."""
    if part.get("file_data") is None:
        if part.get("file_url") is not None:
            raise _refused(f"{where}.file_url", NO_FILE_URLS)
        raise no_such_file(f"{where}.file_id", part.get("file_id"))
    path = f"{where}.file_data"
    name = part.get("filename") or ""
    head, _, data = part["file_data"].partition(",")
    if not head.startswith("data:"):
        head, data = "", part["file_data"]
    media_type = head.removeprefix("data:").partition(";")[0].strip().lower()
    by_name = media_type in NO_TYPE and name.lower().endswith(EXTENSIONS)
    if not (media_type.startswith("text/") or media_type in TEXT_TYPES or by_name):
        raise _refused(path, ONLY_TEXT_FILES)
    if len(data) > MAX_FILE_BYTES * 4 // 3 + 4:
        raise _refused(path, TOO_LARGE)
    try:
        content = b64decode(data, validate=True)
        text = content.decode("utf-8-sig")
    except NotBase64:
        raise _refused(path, NOT_BASE64) from None
    except UnicodeDecodeError:
        raise _refused(path, NOT_TEXT) from None
    if len(content) > MAX_FILE_BYTES:
        raise _refused(path, TOO_LARGE)
    return f"File {name}:\n{text}\n\n" if name else f"File:\n{text}\n\n"  # other texts may follow in the same line


def _refused(where: str, why: Message) -> Refused:
    return Refused(where, Message("Invalid '{where}': {why}.", where=where, why=why), "unsupported_value")
