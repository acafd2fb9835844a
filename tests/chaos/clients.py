"""The clients of a chaos run: raw sockets that may disconnect or stall, and the official client."""

import asyncio
import json
import re
import socket
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import openai
from openai import AsyncOpenAI, AsyncStream

from tests.chaos.fault_proxy import length_of
from tests.chaos.plan import Planned
from tests.support.harness import hang_up
from tests.support.invariants import Wanted, violations_of_body, violations_of_stream
from tests.support.judging import listed_anywhere, violations_of_response

_REQUEST_ID = re.compile(rb"(?i)\r\nx-request-id: *(\S+)\r\n")

Word = Literal["complete", "rejected", "truncated", "client_closed", "broken", "unreachable"]
"""The first four as in the access line. ``broken``: no valid answer. ``unreachable``: no byte of one came; to be tried elsewhere."""


@dataclass
class Outcome:
    """The outcome for a client. ``wrong``: the violation; ``seen``: all received bytes, to search for secrets.

    ``shape``: violations of OpenAI's format (tests/support/invariants.py).
    """

    word: Word
    status: int = 0
    text: str = ""
    error: dict[str, Any] | None = None
    wrong: str = ""
    seen: bytes = b""
    turns: int = 1
    took_s: float = 0.0
    request_id: str = ""
    notes: list[str] = field(default_factory=list)
    shape: list[str] = field(default_factory=list)


WANTED = Wanted(choice_members=listed_anywhere("choice_members"))
"""What each answer has to be; which vendor gives it is not known."""


class Broken(Exception):
    """The response violates HTTP or OpenAI's API."""


def body_of(planned: Planned, turn: int) -> dict[str, Any]:
    """The request's body."""
    messages = [{"role": "user", "content": planned.prompt(turn)}]
    return {"model": planned.model, "messages": messages, **({"stream": True} if planned.stream else {})}


async def by_socket(planned: Planned, turn: int, port: int, key: str) -> Outcome:
    """Send one request on a new connection."""
    data = json.dumps(body_of(planned, turn)).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
    )
    seen = bytearray()
    sock = socket.socket()
    if planned.behaviour != "reads":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # a stalling client has an effect at once
    sock.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096 if planned.behaviour != "reads" else 65536)
    except OSError:
        sock.close()
        return Outcome("unreachable")
    try:
        writer.write(head.encode() + data)
        await writer.drain()
        if planned.behaviour != "reads":
            while len(seen) < planned.patience and (part := await reader.read(planned.patience - len(seen))):
                seen += part
            if planned.behaviour != "leaves":
                await asyncio.sleep(planned.stall_s)
            if planned.behaviour != "stalls":
                return Outcome("client_closed", seen=bytes(seen), request_id=id_in(bytes(seen)))
        while part := await reader.read(65536):
            seen += part
    except OSError:
        if not seen:
            return Outcome("unreachable")
        return Outcome("broken", wrong="the connection was reset within the answer", seen=bytes(seen))
    finally:
        await hang_up(writer)
    if not seen:
        return Outcome("unreachable")
    try:
        return understood(bytes(seen), planned)
    except (Broken, ValueError, KeyError, TypeError, IndexError) as wrong:
        return Outcome("broken", wrong=f"{type(wrong).__name__}: {wrong}", seen=bytes(seen))


def understood(seen: bytes, planned: Planned) -> Outcome:
    """Parse a complete HTTP response. Raises Broken, or the error of parsing."""
    head, end, body = seen.partition(b"\r\n\r\n")
    if not end:
        raise Broken("the head is not whole")
    status = int(head.split(b" ", 2)[1])
    if re.search(rb"(?im)^transfer-encoding:\s*chunked", head):
        body = b"".join(_chunks(body))
    elif len(body) != length_of(head):
        raise Broken(f"{len(body)} bytes of a body of {length_of(head)}")
    outcome = Outcome("complete", status, seen=seen, request_id=id_in(head))
    if status != 200:
        outcome.word, outcome.error = "rejected", checked_error(json.loads(body))
    elif planned.stream:
        _stream(body.decode(), outcome)
    else:
        outcome.text = json.loads(body)["choices"][0]["message"]["content"]
    kind = "text/event-stream" if planned.stream and status == 200 else "application/json"
    outcome.shape = violations_of_response("/v1/chat/completions", b"", status, kind, body, ended=True)
    return outcome


def id_in(head: bytes) -> str:
    """Return the request id of a head; empty if it is missing or incomplete."""
    found = _REQUEST_ID.search(head)
    return found[1].decode() if found else ""


def _chunks(body: bytes) -> list[bytes]:
    parts: list[bytes] = []
    at = 0
    while True:
        line = body.index(b"\r\n", at)
        size = int(body[at:line], 16)
        at = line + 2
        if not size:
            if body[at:] != b"\r\n":
                raise Broken("something stands behind the last chunk")
            return parts
        parts.append(body[at : at + size])
        if body[at + size : at + size + 2] != b"\r\n":
            raise Broken("a chunk is not whole")
        at += size + 2


def _stream(text: str, outcome: Outcome) -> None:
    """Parse events up to a valid end. Raises Broken."""
    payloads = [part.removeprefix("data: ") for part in text.split("\n\n") if part and not part.startswith(":")]
    if not payloads:
        raise Broken("a stream without an event")
    *events, last = payloads
    finished = False
    for payload in events:
        for choice in json.loads(payload)["choices"]:
            outcome.text += choice["delta"].get("content") or ""
            finished = finished or choice["finish_reason"] is not None
    if last == "[DONE]":
        if not finished:
            raise Broken("[DONE] without a finish_reason")
        return
    outcome.word, outcome.error = "truncated", checked_error(json.loads(last))


def checked_error(data: Any) -> dict[str, Any]:
    """Return the error object of a body or an event. Raises Broken unless it is valid and within limits."""
    if not isinstance(data, dict) or list(data) != ["error"]:
        raise Broken(f"no error object: {str(data)[:80]}")
    error = data["error"]
    if set(error) != {"message", "type", "param", "code"}:
        raise Broken(f"members of the error: {sorted(error)}")
    if not isinstance(error["message"], str) or not error["message"] or not isinstance(error["type"], str):
        raise Broken("an error without a message or a type")
    if not all(isinstance(error[name], str | None) for name in ("param", "code")):
        raise Broken("param or code is no text")
    if len(json.dumps(data)) > 2048 or "<html" in error["message"].lower() or "Traceback" in error["message"]:
        raise Broken("an error that is too long, or holds HTML or a traceback")
    return dict(error)


async def by_sdk(planned: Planned, turn: int, sdk: AsyncOpenAI) -> Outcome:
    """One request by the official client."""
    try:
        if not planned.stream:
            made = await sdk.chat.completions.create(**body_of(planned, turn))
            text, seen = made.choices[0].message.content or "", made.model_dump_json().encode()
            shape = violations_of_body(made.to_dict(mode="json"), wanted=WANTED)
            return Outcome("complete", 200, text, seen=seen, request_id=made._request_id or "", shape=shape)
        return await _read(await sdk.chat.completions.create(**body_of(planned, turn)))
    except openai.APIStatusError as error:
        outcome = Outcome("rejected", error.status_code, seen=error.response.content, request_id=error.request_id or "")
        return _with_error(outcome, {"error": error.body})
    except openai.APIConnectionError:
        return Outcome("unreachable")


async def _read(chunks: AsyncStream[Any]) -> Outcome:
    outcome = Outcome("complete", 200, request_id=chunks.response.headers.get("x-request-id", ""))
    finished = False
    events: list[dict[str, Any]] = []
    try:
        async for chunk in chunks:
            events.append(chunk.to_dict(mode="json"))
            for choice in chunk.choices:
                outcome.text += choice.delta.content or ""
                finished = finished or choice.finish_reason is not None
    except openai.APIConnectionError as error:
        return Outcome("broken", 200, wrong=f"the connection broke within the answer: {error!r}")
    except openai.APIError as error:
        outcome.word = "truncated"
        outcome.shape = violations_of_stream(events, wanted=replace(WANTED, complete=False))
        return _with_error(outcome, {"error": error.body})
    outcome.shape = violations_of_stream(events, wanted=WANTED)
    if not finished:
        outcome.wrong = "a stream that ended without a finish_reason, and without an error"
    return outcome


def _with_error(outcome: Outcome, data: Any) -> Outcome:
    """The outcome with its error, checked."""
    try:
        outcome.error = checked_error(data)
    except (Broken, TypeError) as wrong:
        outcome.wrong = str(wrong)
    outcome.seen += json.dumps(data, default=str).encode()
    return outcome
