"""Checks the responses in tests for OpenAI's format, and lets a test of deliberately odd responses opt out.

A test marked ``@pytest.mark.unjudged("reason")`` is not judged; the reason is required.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from adapters.core.vendor import Op, Plan, Vendor
from adapters.registry import BY_CATALOG
from tests.support.invariants import Operation, Wanted, violations_of_body, violations_of_error, violations_of_wire
from tests.support.responses_grammar import faults, faults_of_response, read_events
from tests.support.tap import Seen


def wanted_of(plan: Plan, *, complete: bool) -> Wanted | None:
    """Return the expected format of an attempt; None if the format of the operation is not known."""
    operation = plan.request.operation
    if operation == "moderations":
        return None
    if operation == "responses":
        return None
    shape: Operation = operation
    return Wanted(
        shape,
        complete=complete,
        choice_members=_listed(plan.target.vendor, plan.op, "choice_members"),
    )


def _listed(vendor: Vendor, op: Op, name: str) -> frozenset[str]:
    """Return the members beyond OpenAI's that the table of the operation or of the vendor lists."""
    members: Iterable[str] = getattr(op, name, ()) or getattr(vendor, name, ())
    return frozenset(members)


@cache
def listed_anywhere(name: str) -> frozenset[str]:
    """Return the members that any vendor's table lists, for a response of an unknown vendor."""
    tables = [(vendor, op) for vendor in BY_CATALOG.values() for op in vendor.operations.values()]
    return frozenset(member for vendor, op in tables for member in _listed(vendor, op, name))


ENDINGS: Sequence[tuple[str, Operation]] = (
    ("/chat/completions", "chat"),
    ("/completions", "completions"),
    ("/embeddings", "embeddings"),
)


STORED = re.compile(r"/(?:responses|conversations)(?:/|$)")
"""The paths of the Responses and Conversations APIs, in any spelling."""


def path_of(requested: Mapping[str, Any]) -> str:
    """Return the path of a request by its body."""
    return "/completions" if "prompt" in requested else "/embeddings" if "input" in requested else "/chat/completions"


def violations_of_response(
    path: str, requested: bytes, status: int, content_type: str, body: bytes, *, ended: bool
) -> list[str]:
    """Return the violations of a response to the request body ``requested`` at ``path``; none for unknown operations.

    ``ended``: the response has been sent completely. An incomplete stream is judged up to its last event.
    """
    if STORED.search(path):
        return violations_of_stored(status, content_type, body, ended=ended)
    operation = next((operation for ending, operation in ENDINGS if path.rstrip("/").endswith(ending)), None)
    if operation is None or not status:
        return []
    wanted = Wanted(
        operation,
        usage=_includes_usage(requested),
        choice_members=listed_anywhere("choice_members"),
    )
    if content_type.startswith("text/event-stream"):
        whole = body if ended else body[: body.rfind(b"\n\n") + 2]
        return violations_of_wire(whole, wanted=wanted, ended=ended)
    if not ended or not body or not content_type.startswith("application/json"):  # HEAD has no body
        return []
    parsed = orjson.loads(body)
    return violations_of_body(parsed, wanted=wanted) if status == 200 else violations_of_error(parsed)


def violations_of_stored(status: int, content_type: str, body: bytes, *, ended: bool) -> list[str]:
    """Return the violations of a response of the Responses or the Conversations API."""
    if not status:
        return []
    if content_type.startswith("text/event-stream"):
        whole = body if ended else body[: body.rfind(b"\n\n") + 2]
        if not whole:
            return []
        try:
            events = read_events(whole)
        except (AssertionError, ValueError, KeyError) as why:
            return [f"the framing: {why}"]
        numbers = [event["sequence_number"] for event in events]
        if numbers and numbers[0]:  # a background response, streamed again from a later event
            return [] if numbers == [*range(numbers[0], numbers[-1] + 1)] else [f"the numbers have gaps: {numbers}"]
        return [f"{rule}: {what}" for rule, what in faults(events, ended=ended)] if events else []
    if not ended or not body or not content_type.startswith("application/json"):
        return []
    parsed = orjson.loads(body)
    if status != 200:
        return violations_of_error(parsed)
    if parsed.get("object") == "response" and "deleted" not in parsed:
        return [f"{rule}: {what}" for rule, what in faults_of_response(parsed)]
    return []


def _includes_usage(requested: bytes) -> bool:
    try:
        request: Any = orjson.loads(requested)
        return bool(request["stream_options"]["include_usage"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def violations_of_seen(seen: Seen) -> list[str]:
    """Return the violations of a recorded response; one that is too large to be recorded is not judged."""
    if seen.dropped:
        return []
    kind = seen.headers.get("content-type", "")
    violations = violations_of_response(
        seen.path, bytes(seen.request_body), seen.status, kind, bytes(seen.body), ended=seen.ended
    )
    return [f"{seen.path}: {violation}" for violation in violations]
