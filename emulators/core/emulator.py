"""An emulator: serves a vendor on a port, records its requests, and applies the configured faults and limits."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from emulators.core.faults import Faults
from emulators.core.http import HttpConnection, HttpRequest, log
from emulators.core.limits import Limits
from emulators.core.responses import ModelResponse, RequestRefused, Response
from emulators.core.send import ConnectionReset, send_response

LONGEST_LOG = 10_000
RESET_PAUSE_S = 0.02
"""A reset discards data that the kernel has not delivered yet; on loopback this pause is long enough."""
BACKLOG = 4096
ELSEWHERE = "/elsewhere"
"""Target path of the fault `redirect`; it is not served, but `requests` shows whether a client followed it."""
WORDED_BY_THE_VENDOR = (
    "bad_key",
    "model_missing",
    "context",
    "inspection",
    "quota",
    "rate_limit",
    "overloaded",
    "error_500",
)
_HTML = b"<html>\r\n<head><title>%s</title></head>\r\n<body><center><h1>%s</h1></center></body>\r\n</html>\r\n"


class Vendor(Protocol):
    """The interface that a vendor's module implements."""

    name: str
    prefix: str
    """The path of the base URL."""

    def environment(self, base_url: str) -> dict[str, str]:
        """Return the variables that point a client here, under the vendor's usual names."""

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        """Return the vendor's response. Raises RequestRefused."""

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        """Return the vendor's response for one of `WORDED_BY_THE_VENDOR`."""


@dataclass(slots=True)
class ReceivedRequest:
    """A received request. The key is masked."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    """Parsed JSON, `None` if the body was not JSON."""
    status: int = 0
    """The status of the response; 0 until it is sent, and if no headers were sent."""
    usage: dict[str, Any] | None = None
    """The usage that the vendor counts, if the response was sent completely."""
    ending: str = "open"
    """`open` while the response is sent, then `whole`, `cut` (by a fault) or `gone` (the client disconnected)."""


def masked(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers with credentials masked except for the last four characters."""
    secret = ("authorization", "api-key", "x-api-key")
    return {name: f"***{value[-4:]}" if name in secret else value for name, value in headers.items()}


class Emulator:
    """A running emulator; made by `emulators.start`."""

    def __init__(self, vendor: Vendor, host: str, faults: Sequence[str]) -> None:
        self.name = vendor.name
        self.host = host
        self.port = 0
        self.base_url = ""
        self.environment: dict[str, str] = {}
        self.requests: list[ReceivedRequest] = []
        self.streams_finished = 0
        self._vendor = vendor
        self._faults = Faults(faults)
        self._limits = Limits()
        self._connections: set[HttpConnection] = set()
        self._active = 0
        self._server: asyncio.Server | None = None

    async def listen(self, port: int) -> None:
        """Listen on the port (0: a free one). Raises OSError if it is in use."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._handle, self._connections), self.host, port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.base_url = f"http://{shown}:{self.port}{self._vendor.prefix}"
        self.environment = self._vendor.environment(self.base_url)

    def set_faults(self, faults: Sequence[str]) -> None:
        """Replace the faults and restart the request count. Raises ValueError if a fault is invalid."""
        self._faults.set(faults)

    def set_limits(self, limits: Mapping[str, Any]) -> None:
        """Replace the account's limits and restart their counts. Raises ValueError if a limit is invalid."""
        self._limits.set(limits)

    @property
    def open_connections(self) -> int:
        """Return the number of open TCP connections."""
        return len(self._connections)

    @property
    def active(self) -> int:
        """Return the number of requests under way."""
        return self._active

    async def aclose(self) -> None:
        """Stop listening, reset the open connections, wait for their tasks."""
        if self._server is not None:
            self._server.close()
            for connection in list(self._connections):
                await connection.end()
            await self._server.wait_closed()
            await asyncio.sleep(0)

    async def _handle(self, request: HttpRequest, wire: HttpConnection) -> bool:
        if request.path.startswith("/_emulator/"):
            return await send_response(wire, request, self._control(request), {}, lambda _: Response.json(500, None))
        arrived = ReceivedRequest(request.method, request.path, masked(request.headers), request.json)
        self.requests.append(arrived)
        del self.requests[:-LONGEST_LOG]
        self._active += 1
        try:
            return await self._answer(request, wire, arrived)
        except ConnectionReset:
            arrived.ending = "cut"
            await asyncio.sleep(RESET_PAUSE_S)
            wire.abort()
            return False
        finally:
            self._active -= 1
            if arrived.ending == "open":
                arrived.ending = "gone"

    async def _answer(self, request: HttpRequest, wire: HttpConnection, arrived: ReceivedRequest) -> bool:
        active = self._faults.take()

        def fail(name: str) -> Response:
            return self._vendor.failure(name, active.get(name), request)

        reply = self._reply(request, active)
        counted = isinstance(reply, ModelResponse)
        wait_s = self._limits.begin(time.monotonic()) if counted else None
        if wait_s is not None:
            counted, reply = False, self._vendor.failure("rate_limit", wait_s, request)
        arrived.status = 0 if "reset" in active else reply.status
        try:
            reusable = await send_response(wire, request, reply, active, fail)
        finally:
            if counted:
                self._limits.end()
        arrived.ending = "whole"
        if isinstance(reply, ModelResponse):
            arrived.usage = reply.usage()
            self.streams_finished += reply.stream and not {"no_end", "no_done"} & active.keys()
        return reusable

    def _reply(self, request: HttpRequest, active: dict[str, float]) -> Response | ModelResponse:
        for name in WORDED_BY_THE_VENDOR:
            if name in active:
                return self._vendor.failure(name, active[name], request)
        replaced = self._replaced(request, active)
        if replaced is not None:
            return replaced
        try:
            reply = self._vendor.answer(request)
        except RequestRefused as refused:
            return refused.reply
        except Exception:  # noqa: BLE001
            # A bug of the emulator: answered like a failure of the vendor, and logged.
            log.exception("the emulator %s failed at %s %s", self.name, request.method, request.path)
            return self._vendor.failure("error_500", None, request)
        if "error_in_200" in active:
            return self._error_in_200(request, reply)
        if "json_instead" in active and isinstance(reply, ModelResponse):
            reply.stream = False
        return reply

    def _replaced(self, request: HttpRequest, active: dict[str, float]) -> Response | None:
        html = [("content-type", "text/html; charset=utf-8")]
        if "html_502" in active:
            return Response(502, _HTML % ((b"502 Bad Gateway",) * 2), html)
        if "html_200" in active:
            return Response(200, _HTML % ((b"Welcome",) * 2), html)
        if "empty_200" in active:
            return Response(200, b"", [("content-type", "application/json")])
        if "redirect" in active and not request.path.endswith(ELSEWHERE):
            return Response(307, b"", [("location", f"{self.base_url}{ELSEWHERE}")])
        return None

    def _error_in_200(self, request: HttpRequest, reply: Response | ModelResponse) -> Response:
        error = self._vendor.failure("error_500", None, request)
        if isinstance(reply, ModelResponse) and reply.stream:
            return Response(200, b"data: " + error.body + b"\n\n", reply.headers(stream=True))
        return Response(200, error.body, error.headers)

    def _control(self, request: HttpRequest) -> Response:
        match request.method, request.path:
            case "GET", "/_emulator/faults":
                return Response.json(200, {"faults": self._faults.spelled()})
            case "PUT", "/_emulator/faults":
                return self._put_faults(request.json)
            case "GET", "/_emulator/limits":
                return Response.json(200, {"limits": self._limits.usage()})
            case "PUT", "/_emulator/limits":
                return self._put_limits(request.json)
            case "GET", "/_emulator/requests":
                return Response.json(200, {"requests": [asdict(request) for request in self.requests]})
            case "DELETE", "/_emulator/requests":
                self.requests.clear()
                return Response.json(200, {"requests": []})
            case "GET", "/_emulator/state":
                return Response.json(200, self._state())
        return Response.json(404, {"error": f"unknown control: {request.method} {request.path}"})

    def _put_faults(self, body: Any) -> Response:
        faults = body.get("faults") if isinstance(body, dict) else body
        if not isinstance(faults, list):
            return Response.json(400, {"error": 'send {"faults": ["NAME=VALUE@N", ...]} or only the list'})
        try:
            self.set_faults(faults)
        except ValueError as wrong:
            return Response.json(400, {"error": str(wrong)})
        return Response.json(200, {"faults": self._faults.spelled()})

    def _put_limits(self, body: Any) -> Response:
        if not isinstance(body, dict):
            return Response.json(400, {"error": 'send {"concurrency": 1, "rpm": 60, "window_s": 60}, or some of them'})
        try:
            self.set_limits(body)
        except ValueError as wrong:
            return Response.json(400, {"error": str(wrong)})
        return Response.json(200, {"limits": self._limits.usage()})

    def _state(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "open_connections": self.open_connections,
            "active": self.active,
            "streams_finished": self.streams_finished,
            "requests": len(self.requests),
            "time": time.time(),
        }
