"""Ark's control plane: `POST /?Action=GetApiKey&Version=2024-01-01`, signed with an access key and its secret.

It makes temporary keys for one or more resources (sheet 1: AK/SK; volcengine.com/docs/82379/1262825). The vendor serves it on
another host than chat, `ark.cn-beijing.volcengineapi.com`; the emulator serves it on the same port, at the path `/`.
"""

import itertools
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from emulators.core.checks import is_integer
from emulators.core.http import HttpRequest
from emulators.core.responses import Response
from emulators.doubao.models import EMBEDDERS, ENDPOINTS, MODELS
from emulators.doubao.signature import Credential, SignatureRefused, verify

MADE_UP_ACCESS_KEY = "AKLTemulatedDoubao0001"
MADE_UP_SECRET_KEY = "emulated-doubao-secret-0001"
PATH = "/"
SERVICE = "ark"
REGION = "cn-beijing"
ACTION = "GetApiKey"
VERSION = "2024-01-01"
LONGEST_S = 2_592_000
"""30 days, by the vendor's page."""
RESOURCE_TYPES = ("endpoint", "presetendpoint", "bot")


def refused(status: int, code: str, message: str, request_id: str, number: int | None = None) -> Response:
    """Return an error in the form of the control plane (sheet 5)."""
    error = {"Code": code, "Message": message}
    metadata = _metadata(request_id) | {"Error": error if number is None else {"CodeN": number, **error}}
    return Response.json(status, {"ResponseMetadata": metadata})


def failure(name: str, request_id: str) -> Response:
    """Return the response for a fault that the vendor words."""
    if name in ("error_500", "overloaded"):
        message = "Service has some internal Error. Pls Contact With Admin."
        return refused(500, "InternalError", message, request_id, 100014)
    if name == "rate_limit":
        # the code is that of live answers of other services
        return refused(429, "FlowLimitExceeded", "Request was rejected because of flow limit.", request_id)
    if name == "bad_key":
        message = "The accesskey [emulated] included in the request is invalid."
        return refused(401, "InvalidAccessKey", message, request_id, 100009)
    return _access_denied("*").reply(request_id)


class InvalidControlRequest(Exception):
    """The control plane refuses the request."""

    def __init__(self, status: int, code: str, message: str, number: int | None = None) -> None:
        super().__init__(code)
        self._facts = (status, code, message)
        self._number = number

    def reply(self, request_id: str) -> Response:
        """Return the error response."""
        return refused(*self._facts, request_id, self._number)


class ControlPlane:
    """The access key of the account, and the temporary keys that were made with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.access_key = environ.get("VOLC_ACCESSKEY") or MADE_UP_ACCESS_KEY
        self.secret_key = environ.get("VOLC_SECRETKEY") or MADE_UP_SECRET_KEY
        self._numbers = itertools.count(1)
        self._keys: dict[str, tuple[frozenset[str], float]] = {}

    def answer(self, request: HttpRequest, request_id: str, now: float) -> Response:
        """Return the response to a request for the path `/`."""
        try:
            credential = verify(request, self.access_key, self.secret_key, now)
            _check_operation(request, credential)
            resources, duration_s = _checked(request)
        except SignatureRefused as refusal:
            return refused(refusal.status, refusal.code, refusal.message, request_id, refusal.number)
        except InvalidControlRequest as refusal:
            return refusal.reply(request_id)
        key = f"eyJhbGciOiJSUzI1NiJ9.emulated.{next(self._numbers):08d}"
        expires = int(now) + duration_s
        self._keys[key] = (frozenset(resources), expires)
        # the vendor's page: seconds since 1970
        result = {"ApiKey": key, "ExpiredTime": expires}
        return Response.json(200, {"ResponseMetadata": _metadata(request_id), "Result": result})

    def resources_of(self, key: str, now: float) -> frozenset[str] | None:
        """Return the resources of a temporary key, `None` if there is no such key or it has expired."""
        resources, expires = self._keys.get(key, (frozenset(), 0.0))
        return resources if now < expires else None


def _check_operation(request: HttpRequest, credential: Credential) -> None:
    # the vendor's pages do not state the error for another region than the host's
    if (credential.service, credential.region) != (SERVICE, REGION):
        message = f"This service[{credential.service}] not found."
        raise InvalidControlRequest(404, "ServiceNotFound", message, 100007)
    query = parse_qs(request.query)
    for name in ("Action", "Version"):
        if not query.get(name):
            message = f"The request is missing {name} parameter."
            raise InvalidControlRequest(400, "MissingParameter", message, 100002)
    action, version = query["Action"][0], query["Version"][0]
    if (request.method, action, version) != ("POST", ACTION, VERSION):
        message = f"Could not find operation {action} for version {version}."
        raise InvalidControlRequest(404, "InvalidActionOrVersion", message, 100008)


def _checked(request: HttpRequest) -> tuple[list[str], int]:
    """Return the resources and the duration in seconds. Raises InvalidControlRequest."""
    body = request.json
    json_type = request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"
    if not isinstance(body, dict) or not json_type:
        raise InvalidControlRequest(400, "InvalidParameter.Body", "The specified parameter Body is invalid.")
    for name in ("DurationSeconds", "ResourceType", "ResourceIds"):
        if body.get(name) is None:
            message = f"The required parameter {name} is missing."
            raise InvalidControlRequest(400, f"MissingParameter.{name}", message)
    duration_s = body["DurationSeconds"]
    if not is_integer(duration_s) or not 0 <= duration_s <= LONGEST_S:
        raise _invalid("DurationSeconds")
    if body["ResourceType"] not in RESOURCE_TYPES:
        raise _invalid("ResourceType")
    return _checked_resources(body), duration_s


def _checked_resources(body: dict[str, Any]) -> list[str]:
    kind, ids = body["ResourceType"], body["ResourceIds"]
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) and one for one in ids):
        raise _invalid("ResourceIds")
    # sheet 1: the resource type belongs to the id
    if any(resource_type(one) != kind for one in ids):
        raise _invalid("ResourceIds")
    # sheet 1: project_name is required for preset endpoints and plain model ids
    project = body.get("ProjectName")
    if kind == "presetendpoint" and project is None:
        message = "The required parameter ProjectName is missing."
        raise InvalidControlRequest(400, "MissingParameter.ProjectName", message)
    if project is not None and (not isinstance(project, str) or not project.strip()):
        raise _invalid("ProjectName")
    for one in ids:
        # a live answer for an endpoint of another account or project
        if one not in ENDPOINTS and one not in MODELS and one not in EMBEDDERS:
            raise _access_denied(one)
    return ids


def resource_type(resource: str) -> str:
    """Return the type of a resource by its id (sheet 1)."""
    if resource.startswith("ep-m-"):
        return "presetendpoint"
    if resource.startswith("ep-"):
        return "endpoint"
    return "bot" if resource.startswith("bot-") else "presetendpoint"


def _access_denied(resource: str) -> InvalidControlRequest:
    message = f"User is not authorized to perform: {SERVICE}:{ACTION} on resource: {resource}."
    return InvalidControlRequest(403, "AccessDenied", message, 100013)


def _invalid(name: str) -> InvalidControlRequest:
    return InvalidControlRequest(400, f"InvalidParameter.{name}", f"The specified parameter {name} is invalid.")


def _metadata(request_id: str) -> dict[str, Any]:
    return {"RequestId": request_id, "Action": ACTION, "Version": VERSION, "Service": SERVICE, "Region": REGION}
