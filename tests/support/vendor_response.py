"""The response of a vendor's emulator to the call that banjia plans, without banjia's server in between."""

import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from adapters.core.auth import BearerToken
from adapters.core.failures import Failure
from adapters.core.vendor import Plan
from tests.adapters.play import Play
from tests.support.client_stage import Front, Stage, chat_body

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class VendorResponse:
    """A response, and the plan of its request."""

    plan: Plan
    status: int
    kind: str
    """Its content type."""
    body: bytes

    @property
    def failure(self) -> Failure:
        """Return what the vendor's own table of failures says of it."""
        return Play(self.plan, judged=False).head(self.status, self.kind).data(self.body).over().failure


def response_of(stage: Stage, vendor: str, front: Front, content: Any = "Hello", **more: Any) -> VendorResponse:
    """Send the first call of a chat request to the emulator. The emulator's log of requests is empty afterwards."""
    plan = front.plan(**chat_body(content, **more))
    call = Play(plan, judged=False).sends[0].call
    call = plan.target.vendor.auth.sign(call, BearerToken(stage.key_and_base_url(vendor)[0]), now_s=0.0)
    headers = {name.decode(): value.decode() for name, value in call.headers}
    request = urllib.request.Request(call.url, call.body, headers, method=call.method)
    try:
        response = OPENER.open(request)
    except HTTPError as refused:
        response = refused
    with response:
        answered = VendorResponse(plan, response.status, response.headers["content-type"], response.read())
    stage.emulators[vendor].requests.clear()
    return answered
