"""Where tests hold what banjia emits to OpenAI's shape, and how a test of deliberately odd things is left out.

A test marked ``@pytest.mark.unjudged("reason")`` is not judged; the reason is required.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson

from adapters.core.vendor import Op, Plan, Vendor
from adapters.registry import BY_CATALOG
from tests.support.invariants import Operation, Wanted, violations_of_body, violations_of_error, violations_of_wire
from tests.support.tap import Seen


def wanted_of(plan: Plan, *, complete: bool) -> Wanted | None:
    """What an attempt has to emit; None if nothing is known of the operation's shape."""
    operation = plan.request.operation
    if operation == "moderations":
        return None
    shape: Operation = operation
    return Wanted(
        shape,
        complete=complete,
        choice_members=_listed(plan.target.vendor, plan.op, "choice_members"),
    )


def _listed(vendor: Vendor, op: Op, name: str) -> frozenset[str]:
    """The members beyond OpenAI's that the table of the operation or of the vendor lists; none if it has no such list."""
    found: Iterable[str] = getattr(op, name, ()) or getattr(vendor, name, ())
    return frozenset(found)


@cache
def listed_anywhere(name: str) -> frozenset[str]:
    """The members that any vendor's table lists, for a response of which the vendor is not known."""
    tables = [(vendor, op) for vendor in BY_CATALOG.values() for op in vendor.operations.values()]
    return frozenset(member for vendor, op in tables for member in _listed(vendor, op, name))


ENDINGS: Sequence[tuple[str, Operation]] = (
    ("/chat/completions", "chat"),
    ("/completions", "completions"),
    ("/embeddings", "embeddings"),
)


def path_of(asked: Mapping[str, Any]) -> str:
    """The path of a request, by its body."""
    return "/completions" if "prompt" in asked else "/embeddings" if "input" in asked else "/chat/completions"


def violations_of_response(
    path: str, asked: bytes, status: int, content_type: str, body: bytes, *, ended: bool
) -> list[str]:
    """What is wrong with a response to a request of ``asked`` at ``path``; nothing for paths of other operations.

    ``ended``: the response has been sent whole. The start of a stream is judged as far as it came.
    """
    operation = next((operation for ending, operation in ENDINGS if path.rstrip("/").endswith(ending)), None)
    if operation is None or not status:
        return []
    wanted = Wanted(
        operation,
        usage=_includes_usage(asked),
        choice_members=listed_anywhere("choice_members"),
    )
    if content_type.startswith("text/event-stream"):
        whole = body if ended else body[: body.rfind(b"\n\n") + 2]
        return violations_of_wire(whole, wanted=wanted, ended=ended)
    if not ended or not body or not content_type.startswith("application/json"):  # HEAD has no body
        return []
    parsed = orjson.loads(body)
    return violations_of_body(parsed, wanted=wanted) if status == 200 else violations_of_error(parsed)


def _includes_usage(asked: bytes) -> bool:
    try:
        request: Any = orjson.loads(asked)
        return bool(request["stream_options"]["include_usage"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return False


def violations_of_seen(one: Seen) -> list[str]:
    """What is wrong with a response that was tapped; one that is too large to be kept is not judged."""
    if one.dropped:
        return []
    kind = one.headers.get("content-type", "")
    found = violations_of_response(one.path, bytes(one.asked), one.status, kind, bytes(one.body), ended=one.ended)
    return [f"{one.path}: {what}" for what in found]
