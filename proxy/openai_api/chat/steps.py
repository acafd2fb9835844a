"""What chat completions await before their attempts, each step for the requests that need it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from adapters.core.request import ApiRequest, Custody
from adapters.rules.earlier_reasoning import REASONING, calls_without_reasoning, lacks_reasoning
from adapters.rules.messages import call_ids
from proxy._types import Route
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.image_urls import fetch_images
from proxy.openai_api.handler import StepContext
from proxy.storage.interface import StoreUnavailable


class ChatStep(Protocol):
    """One step, which may change the request."""

    def is_needed(self, request: ApiRequest, route: Route) -> bool:
        """Whether the request needs the step. Called for every request, so it must be cheap."""
        ...

    async def run(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        """Return the request to serve. Raises ProxyError."""
        ...


class ChatSteps:
    """Runs the steps in order: a later one sees the request of the one before."""

    def __init__(self, *steps: ChatStep) -> None:
        self._steps = steps

    def needed(self, request: ApiRequest, route: Route) -> bool:
        for step in self._steps:  # noqa: SIM110 - every chat request runs this, and a loop is faster
            if step.is_needed(request, route):
                return True
        return False

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        for step in self._steps:
            if step.is_needed(request, context.route):
                request = await step.run(request, context)
        return request

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Do nothing: the attempts store what is kept (``Keep``), before the client has the end of its response."""


class RestoreReasoning:
    """Looks up the reasoning of earlier tool calls that the client omitted; the plan puts it back."""

    def is_needed(self, request: ApiRequest, route: Route) -> bool:
        messages = request.fields["messages"]
        return route.keeps_reasoning and len(messages) > 1 and any(map(lacks_reasoning, messages))

    async def run(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        """Return the request with the reasoning that was found. Without a store the vendor gets a blank, as documented."""
        state = context.state
        turns = calls_without_reasoning(request.fields["messages"])
        try:
            tenant = state.tenant(context.caller)
            found = await state.store.values.get(REASONING, tenant, flattened(turns))
        except StoreUnavailable:
            found = {}
        known = sum(any(id_ in found for id_ in ids) for ids in turns)
        state.earlier_reasoning["found"] += known
        state.earlier_reasoning["missing"] += len(turns) - known
        if not found:
            return request
        return request._replace(reasoning={id_: text.decode() for id_, text in found.items()})


class FetchImages:
    """Fetches the images at URLs, if the policy of the route says so, for vendors that accept image data only."""

    def is_needed(self, request: ApiRequest, route: Route) -> bool:
        return route.policy.fetch_images

    async def run(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        """Return the request with the data of its images. Raises Overloaded and MemoryError."""
        return await fetch_images(request, context.route, context.state, context.slot.lease(), context.record)


CHAT_STEPS = ChatSteps(RestoreReasoning(), FetchImages())


async def with_chat_steps(request: ApiRequest, context: StepContext) -> ApiRequest:
    """Return a chat request after the steps that it needs, for a request of the Responses API that is served as chat."""
    served = await CHAT_STEPS.before(request, context)
    custody = request.translation.custody if request.translation is not None else ()
    if custody and any(target.reads_reasoning for target in context.route.targets):
        context.state.responses_metrics.custody.update(ways(custody, served))
    return served


def ways(custody: Sequence[Custody], request: ApiRequest) -> Iterator[str]:
    """Yield how the reasoning of each message with tool calls came back, as ``banjia_custody_total`` names it."""
    kept = request.reasoning or {}
    with_calls = (message for message in request.fields["messages"] if message.get("tool_calls"))
    for came, message in zip(custody, with_calls, strict=False):
        yield came or ("kept" if any(id_ in kept for id_ in call_ids(message["tool_calls"])) else "none")


def flattened(lists: Sequence[Sequence[str]]) -> list[str]:
    """Return the texts of all lists."""
    return [text for texts in lists for text in texts]
