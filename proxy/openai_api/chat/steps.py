"""What a chat request awaits before its attempts."""

from adapters.core.request import ApiRequest
from proxy._types import Route
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.chat.image_urls import fetch_images
from proxy.openai_api.handler import StepContext


class ChatSteps:
    """Fetches images, if the policy of the route says so."""

    def needed(self, request: ApiRequest, route: Route) -> bool:
        return route.policy.fetch_images

    async def before(self, request: ApiRequest, context: StepContext) -> ApiRequest:
        return await fetch_images(request, context.route, context.state, context.slot.lease(), context.record)

    async def after(self, request: ApiRequest, record: RequestRecord) -> None:
        """Nothing follows the response."""
