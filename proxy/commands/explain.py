"""``banjia explain``: run the pipeline's own stages on a request, up to the first byte, and show what would be sent."""

from collections.abc import Iterator
from typing import Any

import orjson

from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan, Target
from adapters.core.wrapper import Wrapper
from adapters.emulations import wrapped
from adapters.planning import plan
from config.routing import Routing
from config.schema import Settings
from proxy.commands.explain_responses import example_chat, is_response, read_response
from proxy.errors import NotSupported, ProxyError
from proxy.i18n.catalog import for_operator
from proxy.openai_api.chat.handler import ChatHandler
from proxy.openai_api.chat.image_urls import web_images
from proxy.openai_api.completions import CompletionsHandler
from proxy.openai_api.embeddings import EmbeddingsHandler
from proxy.routing.resolve import resolve

EXAMPLE_IMAGE = "data:image/png;base64,iVBORw0KGgo="
"""Shown in place of an image that banjia would fetch."""


def explain(body: bytes, settings: Settings) -> dict[str, Any]:
    """Return the explanation as data: model, operation, and for each target the verdict on each field.

    Fields of the Responses API have the client's names. What such a request continues is not read: an example stands for it.

    ``error`` is the error that the client would get if no target can serve the request, else None. Raises ProxyError if
    the request fails before any target is considered.
    """
    routing = Routing(settings)
    request = read(body, routing)
    route = resolve(request, routing)
    operation = (
        request.translation.native.operation
        if request.translation and request.translation.native
        else request.operation
    )
    if operation == "responses":
        request = example_chat(request, route.targets[0].drop)
    if route.policy.fetch_images and request.operation == "chat":
        request = with_example_images(request)
    plans = [_planned(request, target) for target in route.targets]
    refusals = [found for found in plans if isinstance(found, Refused)]
    return {
        "model": request.model,
        "operation": operation,
        "stream": request.stream,
        "error": answered(NotSupported.of(refusals[0])) if len(refusals) == len(plans) else None,
        "targets": [about(target, found) for target, found in zip(route.targets, plans, strict=True)],
    }


def with_example_images(request: ApiRequest) -> ApiRequest:
    """Return the request as if its images had been fetched: explaining makes no calls."""
    return request._replace(images={url: EXAMPLE_IMAGE for _, url in web_images(request.fields["messages"])})


def answered(error: ProxyError) -> dict[str, Any]:
    """Return the error that the client would get: its HTTP status, and the members of its body."""
    return {"status": error.http_status, **error.error()}


def read(body: bytes, routing: Routing | None = None) -> ApiRequest:
    """Parse a body. Without ``messages`` it is a completion if it has ``prompt``, or has ``input``.

    The latter is a request of the Responses API or, also without ``routing``, for embeddings. Raises BadRequest.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = None  # the handler below reports the error
    if type(fields) is dict and "messages" not in fields:
        if routing is not None and is_response(fields, routing):
            return read_response(body)
        if "prompt" in fields:
            return CompletionsHandler().parse(body)
        if "input" in fields:
            return EmbeddingsHandler().parse(body)
    return ChatHandler().parse(body)


def _planned(request: ApiRequest, target: Target) -> Plan | Refused:
    try:
        return plan(request, target)
    except Refused as refused:
        return refused


def about(target: Target, made: Plan | Refused) -> dict[str, Any]:
    """Return what this target would receive, or why banjia would skip it."""
    if isinstance(made, Refused):
        return {"target": target.label, "refused": {"param": made.param, "message": made.message}}
    fields = {"model": {"verdict": "mapped", "why": Message("sent as {sent}", sent=target.model.id)}}
    fields |= {
        name: {"verdict": adaptation.word, "why": adaptation.why} for name, adaptation in made.adaptations.items()
    }
    exchange = wrapped(made)(made.request, AttemptIds(iter(range(1, 1000)), "0" * 24, 0))
    calls = [do.call for do in exchange.start() if hasattr(do, "call")]
    return {
        "target": target.label,
        "calls": exchange.calls if isinstance(exchange, Wrapper) else len(calls),
        "url": calls[0].url,
        "thinks": made.thinks,
        "fields": dict(sorted(fields.items())),
        "body": orjson.loads(calls[0].body),
    }


def lines(explained: dict[str, Any]) -> Iterator[str]:
    """Yield the explanation as lines for a terminal."""
    if "targets" not in explained:  # the request fails before any target is considered
        return
    how = "streamed" if explained["stream"] else "whole"
    yield f"{explained['model']} ({explained['operation']}, {how})"
    for number, target in enumerate(explained["targets"], 1):
        yield ""
        yield f"{number}. {target['target']}"
        if "refused" in target:
            why = Message("skipped: {why}", why=target["refused"]["message"])
            yield f"   {for_operator(why)}"
            continue
        yield f"   POST {target['url']}" + (f"  ({target['calls']} calls)" if target["calls"] > 1 else "")
        width = max(map(len, target["fields"]))
        for name, adaptation in target["fields"].items():
            yield f"   {name:<{width}}  {adaptation['verdict']:<9} {for_operator(adaptation['why'])}"
        yield "   " + orjson.dumps(target["body"]).decode()


def error_line(error: dict[str, Any]) -> Message:
    """Return the error that the client would get as one line."""
    about = f"{error['status']} {error['code'] or error['type']}"
    return Message("{name}: {text}", name=about, text=error["message"])
