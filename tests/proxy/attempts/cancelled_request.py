"""One request over real vendor sockets that is cancelled at a chosen await of its task or of a task that it started.

A task factory wraps every coroutine of the request and counts its suspensions. At the chosen one the client disconnects,
or the server stops; :func:`check` judges what the request does then.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, Literal

import orjson
import pytest

from adapters.core.usage import Usage
from adapters.core.wire import Got, Head
from config.schema import Settings
from proxy._types import RequestOutcome
from proxy.app_state import AppState
from proxy.observability.memory_guard import MemoryGuard
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.endpoint import ClientExchange
from proxy.openai_api.handler import OperationHandler
from proxy.pipeline import serve
from proxy.upstream.client import Upstream, UpstreamCall
from proxy.upstream.http_client.pool import HttpTransport
from tests.support.judging import path_of, violations_of_response

Event = Literal["leaves", "stops"]
PLACES = 8
MEMORY = MemoryGuard()  # shared, because detecting this machine's limit takes longer than a request
"""How many connections to vendors may be open."""


class Steps:
    """The suspensions of one request, and what happens at them: the first event at number ``at``, others just after.

    ``late``: not when the coroutine is suspended, but when it is about to resume.
    """

    def __init__(self, at: int, events: Sequence[Callable[[], None]], *, late: bool) -> None:
        self.seen = 0
        self.reached = False
        self.answered = 0  # calls with a received head of status 200
        self.spent: list[Usage] = []  # recorded usage of calls
        self._at = at
        self._events = list(events)
        self._due = len(events)
        self._late = late

    def suspended(self, waits_for: object) -> None:
        """A coroutine of the request is suspended."""
        self.seen += 1
        if self.seen < self._at or not self._due:
            return
        self.reached = True
        self._due -= 1
        if self._late and isinstance(waits_for, asyncio.Future):
            waits_for.add_done_callback(self._happen)  # called before the callback that resumes the coroutine
        else:
            asyncio.get_running_loop().call_soon(self._happen)

    def _happen(self, _: object = None) -> None:
        self._events.pop(0)()


STEPS: ContextVar[Steps] = ContextVar("steps")


@coroutine
def _counted(coro: Coroutine[Any, Any, Any], steps: Steps) -> Generator[Any, Any, Any]:
    value, error = None, None
    while True:
        try:
            waits_for = coro.send(value) if error is None else coro.throw(error)
        except StopIteration as end:
            return end.value
        steps.suspended(waits_for)
        value, error = None, None
        try:
            value = yield waits_for
        except BaseException as thrown:
            error = thrown


class Tasks:
    """The tasks of requests: each is made with its coroutine counted."""

    def __init__(self) -> None:
        self.made: list[asyncio.Task[Any]] = []

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **named: Any
    ) -> asyncio.Task[Any]:
        """Make a task."""
        context = named.get("context")
        steps = STEPS.get(None) if context is None else context.get(STEPS)
        if steps is None:
            return asyncio.Task(coro, loop=loop, **named)

        async def counted() -> Any:
            return await _counted(coro, steps)

        task: asyncio.Task[Any] = asyncio.Task(counted(), loop=loop, **named)
        task.add_done_callback(lambda _: coro.close())  # a task cancelled before its start is never awaited
        self.made.append(task)
        return task


class Caller:
    """The ASGI server's side of one request. Every message waits a moment, as with a slow reader."""

    def __init__(self, body: bytes) -> None:
        self._parts = [body[:10], body[10:]]
        self.messages: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        self.busy = False

    async def receive(self) -> dict[str, Any]:
        """The body in two parts; then nothing more."""
        await asyncio.sleep(0)
        if self._parts:
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts)}
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    async def send(self, message: Any) -> None:
        """Take a message that is in order."""
        if self.busy:
            self.wrong.append(f"{message['type']} while another message waits")
        self.busy = True
        try:
            await asyncio.sleep(0)
        finally:
            self.busy = False
        if self.ended or (message["type"] == "http.response.start") == bool(self.messages):
            self.wrong.append(f"{message['type']} after {[one['type'] for one in self.messages]}")
            raise RuntimeError(self.wrong[-1])
        self.messages.append(message)

    @property
    def status(self) -> int:
        """Return the accepted status; 0 if there was none."""
        return int(self.messages[0]["status"]) if self.messages else 0

    @property
    def body(self) -> bytes:
        """Return the accepted part of the body."""
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def ended(self) -> bool:
        """Return whether the end was accepted."""
        return len(self.messages) > 1 and not self.messages[-1].get("more_body", False)

    @property
    def sized(self) -> bool:
        """Return whether the head has a content-length."""
        return bool(self.messages) and b"content-length" in dict(self.messages[0]["headers"])


Serve = Callable[[ClientExchange, AppState], Coroutine[Any, Any, None]]


@dataclass
class Scene:
    """A kind of request: its configuration, its content, and its outcome without an event."""

    settings: Settings
    upstream: Upstream
    request_fields: Mapping[str, Any]
    word: str = "complete"
    code: str | None = None
    billed: Sequence[tuple[int, int] | None] = ((3, 2),)
    serve: Serve = lambda connection, state: serve(connection, ChatHandler(), state, connection)
    before: Callable[[AppState], Callable[[], None] | None] = lambda state: None
    """Called before each request; what it returns, after it."""


@dataclass
class Ran:
    """The results of one request."""

    what: str
    caller: Caller
    state: AppState
    tasks: list[asyncio.Task[Any]]
    endings: list[RequestOutcome] = field(default_factory=list)
    error: BaseException | None = None
    steps: Steps = field(default_factory=lambda: Steps(0, [], late=False))

    @property
    def reached(self) -> bool:
        """Whether the request lived until the chosen suspension."""
        return self.steps.reached


def watch_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record the responses and the usage of each request on its steps."""
    next_, spent_ = UpstreamCall.next, RequestRecord.add_usage

    async def next_noted(line: UpstreamCall) -> list[Got]:
        results = await next_(line)
        if isinstance(results[0], Head) and results[0].status == 200:
            STEPS.get().answered += 1
        return results

    def spent_noted(record: RequestRecord, usage: Usage) -> None:
        STEPS.get().spent.append(usage)
        spent_(record, usage)

    monkeypatch.setattr(UpstreamCall, "next", next_noted)
    monkeypatch.setattr(RequestRecord, "add_usage", spent_noted)


class Complaints(logging.Handler):
    """The logged errors, and those reported to the event loop."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it, unless it is from a scripted vendor whose client disconnected."""
        if "client_connected_cb" not in record.getMessage():
            self.texts.append(self.format(record))


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Tasks, Complaints]]:
    """Count the tasks of requests and keep all diagnostics until the block ends."""
    loop, tasks, diagnostics = asyncio.get_running_loop(), Tasks(), Complaints()
    loop.set_task_factory(tasks)  # type: ignore[arg-type]  # its type also allows generators
    logging.getLogger().addHandler(diagnostics)
    try:
        yield tasks, diagnostics
    finally:
        logging.getLogger().removeHandler(diagnostics)
        loop.set_task_factory(None)


async def run(scene: Scene, tasks: Tasks, at: int, events: Sequence[Event], *, late: bool) -> Ran:
    """One request, to which these events happen at this suspension."""
    messages = (
        {} if scene.request_fields.keys() & {"input", "prompt"} else {"messages": [{"role": "user", "content": "hi"}]}
    )
    caller = Caller(orjson.dumps({"model": "gpt-4o", **messages, **scene.request_fields}))
    endings: list[RequestOutcome] = []
    state = AppState(scene.settings, scene.upstream, endings.append, memory=MEMORY)
    state.sleep = lambda _: asyncio.sleep(0)
    after = scene.before(state)
    tasks.made.clear()
    scope: dict[str, Any] = {"headers": [(b"content-type", b"application/json")]}
    connection = ClientExchange(scope, caller.receive, caller.send, state)
    main: asyncio.Task[None]

    def leaves() -> None:
        if not main.done():
            connection._on_disconnect()

    def stops() -> None:
        state.draining = True
        main.cancel()

    steps = Steps(at, [leaves if event == "leaves" else stops for event in events], late=late)
    context = copy_context()
    context.run(STEPS.set, steps)
    main = asyncio.get_running_loop().create_task(scene.serve(connection, state), context=context)
    ran = Ran(f"{'late, ' * late}{', then '.join(events)} at {at}", caller, state, tasks.made, endings, steps=steps)
    await asyncio.wait([main], timeout=20)
    assert main.done(), (ran.what, main.get_stack())
    if after is not None:
        after()
    ran.error = asyncio.CancelledError() if main.cancelled() else main.exception()
    await _settled(ran, scene.upstream)
    return ran


async def _settled(ran: Ran, upstream: Upstream) -> None:
    """Wait until nothing of the request is left; return what is."""
    transport = upstream._direct
    left: list[str] = []
    for _ in range(2000):
        left = [repr(task) for task in ran.tasks if not task.done()]
        keys = [key for account in ran.state.snapshot.accounts.values() for key in account.keys]
        left += [f"a place on {key.tail}" for key in keys if key.limiter is not None and not key.limiter.idle]
        if isinstance(transport, HttpTransport):
            idle = sum(map(len, transport._idle.values()))
            if transport._free_slots + idle != PLACES or len(transport._connections) != idle or transport._waiters:
                left.append(
                    f"{len(transport._connections)} connections, {idle} unused, {transport._free_slots} places free"
                )
        if not left:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{ran.what}: left open: {left}")


def check(scene: Scene, ran: Ran, events: Sequence[Event]) -> None:
    """Check the outcome, the messages, and that everything was released."""
    caller, what = ran.caller, ran.what
    assert ran.error is None, (what, ran.error)
    assert caller.wrong == [], what
    assert len(ran.endings) == 1, what
    ending = ran.endings[0]
    assert (ending.outcome, ending.code) in expected(scene, ran, events), (what, ending, caller.messages)
    assert ending.status == caller.status, (what, ending)
    state = ran.state
    assert state.active == 0, what
    for account in state.snapshot.accounts.values():
        assert account.in_flight == 0, what
        for key in account.keys:
            assert key.calls == 0, what
    check_costs(scene, ran, ending)
    check_shape(scene, caller)


def check_shape(scene: Scene, caller: Caller) -> None:
    """The sent data is in OpenAI's format; moderations are not judged."""
    if "input" in scene.request_fields and "embedding" not in str(scene.request_fields.get("model")):
        return
    kind = "text/event-stream" if scene.request_fields.get("stream") and caller.status == 200 else "application/json"
    sent = orjson.dumps(dict(scene.request_fields))
    wrong = violations_of_response(
        path_of(scene.request_fields), sent, caller.status, kind, caller.body, ended=caller.ended
    )
    assert not wrong, wrong


def check_costs(scene: Scene, ran: Ran, ending: RequestOutcome) -> None:
    """Each call that was answered is billed, once."""
    billed = ending.billed and (ending.billed.prompt, ending.billed.completion)
    if ending.outcome == "complete":
        assert billed in scene.billed, (ran.what, billed)
    answered, spent = ran.steps.answered, ran.steps.spent
    if {
        "n",
        "prompt",
    } & scene.request_fields.keys():  # concurrent calls: a response may have arrived after the request ended
        assert len(spent) <= answered, ran.what
    else:
        assert len(spent) == answered, ran.what
    if scene.settings.policy.hedge_s == "off":
        assert billed == ((sum(u.prompt for u in spent), sum(u.completion for u in spent)) if spent else None), ran.what


def expected(scene: Scene, ran: Ran, events: Sequence[Event]) -> list[tuple[str, str | None]]:
    """The outcome, by the part of the response that the server has accepted.

    Two are possible if the server stops and the client disconnects before it gets the error.
    """
    caller = ran.caller
    error = error_code(caller.body) if caller.ended else None
    if caller.ended and error is None:
        return [("complete", None)]
    if error is not None:
        assert error == scene.code or (error == "server_shutting_down" and events[0] == "stops"), error
        return [("truncated" if caller.status == 200 else "rejected", error)]
    assert ran.reached, (ran.what, "the response has no end")
    if events[0] == "leaves":
        return [("client_closed", None)]
    assert len(events) > 1 or caller.sized, ran.what  # else the client got an error
    stopped = ("truncated" if caller.status else "rejected", "server_shutting_down")
    return [stopped, ("client_closed", None)] if "leaves" in events else [stopped]


def error_code(body: bytes) -> str | None:
    """The code of an error with which a body ends; None if it is an answer."""
    last = body.strip().rpartition(b"\n\n")[2].removeprefix(b"data: ")
    if last == b"[DONE]":
        return None
    error = orjson.loads(last).get("error")
    return error and str(error["code"])


def front(made: OperationHandler) -> Serve:
    """Run the pipeline with this handler."""
    return lambda connection, state: serve(connection, made, state, connection)
