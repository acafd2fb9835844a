"""Text files become text in front of the message; other files are refused with what is wrong."""

import base64
from typing import Any

import pytest

from adapters.core.failures import Refused
from adapters.responses.parts import MAX_FILE_BYTES
from tests.adapters.responses.conversions import call, messages, output, told, translated


def data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


def with_file(**members: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "input_text", "text": "sum up"}, {"type": "input_file", **members}]}


@pytest.mark.parametrize(
    ("media_type", "filename"),
    [
        ("text/plain", "a.txt"),
        ("text/csv; charset=utf-8", "a.csv"),
        ("TEXT/markdown", "a.md"),
        ("application/json", "a.json"),
        ("application/octet-stream", "notes.MD"),
        ("", "a.csv"),
    ],
)
def test_a_text_file_is_text_in_front_of_the_message(media_type: str, filename: str) -> None:
    file = with_file(filename=filename, file_data=data_uri("列 a".encode(), media_type))

    request = translated({"input": [file]})

    assert request.fields["messages"] == [
        {"role": "user", "content": [
            {"type": "text", "text": f"File {filename}:\n列 a\n\n"}, {"type": "text", "text": "sum up"}]}
    ]  # fmt: skip
    assert told(request) == {"input.input_file": "emulated"}


def test_file_data_may_be_base64_alone() -> None:
    (message,) = messages([with_file(filename="a.md", file_data=base64.b64encode(b"\xef\xbb\xbfhi").decode())])

    assert message["content"][0]["text"] == "File a.md:\nhi\n\n"


def test_a_text_file_in_an_output_is_part_of_its_text() -> None:
    file = {"type": "input_file", "file_data": data_uri(b"x", "text/plain")}

    assert (
        messages([call(), output("c1", [{"type": "input_text", "text": "a"}, file])])[-1]["content"]
        == "File:\nx\n\n\na"
    )


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "a document": ({"filename": "a.pdf", "file_data": data_uri(b"%PDF", "application/pdf")}, "file_data", "only text files"),
    "data without type and name": ({"file_data": "aGk="}, "file_data", "only text files"),
    "a URL": ({"file_url": "https://x.example/a.txt"}, "file_url", "downloads no files"),
    "an unknown file": ({"file_id": "file-1"}, "file_id", "File with id 'file-1' not found."),
    "no base64": ({"filename": "a.txt", "file_data": "data:text/plain;base64,@@@"}, "file_data", "no base64"),
    "no UTF-8": ({"file_data": data_uri(b"\xff\xfe", "text/plain")}, "file_data", "not valid UTF-8"),
    "a large file": ({"file_data": data_uri(b"a" * (MAX_FILE_BYTES + 1), "text/plain")}, "file_data", "at most"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_another_file_is_refused_with_what_is_wrong(case: str) -> None:
    members, member, text = WRONG[case]

    with pytest.raises(Refused) as raised:
        translated({"input": [with_file(**members)]})

    assert raised.value.param == f"input[0].content[1].{member}"
    assert text in raised.value.message


def test_a_file_of_the_largest_size_is_sent() -> None:
    (message,) = messages([with_file(file_data=data_uri(b"a" * MAX_FILE_BYTES, "text/plain"))])

    assert len(message["content"][0]["text"]) > MAX_FILE_BYTES
