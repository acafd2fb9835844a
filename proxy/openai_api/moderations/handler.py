"""``POST /v1/moderations``: a vendor's own moderations, or a response that flags nothing because it checks nothing."""

from typing import Any

from adapters.core.message import Message, one_of
from adapters.core.request import ApiRequest, Operation
from adapters.openai_params.param import Invalid, wrong_type
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.handler import RequestSteps
from proxy.openai_api.json_body import checked_model, read_members
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.writer import ResponseChannel

MODEL = "omni-moderation-latest"
"""OpenAI's default model."""
MOST = 2048
"""The most texts per request. banjia's own limit: a result is a hundred times as long as the shortest text."""
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
"""OpenAI's categories; its clients expect all of them in every result (source: its API description)."""


class ModerationsHandler:
    """Moderations by a vendor that supports them; request and response are forwarded unchanged."""

    operation: Operation = "moderations"
    steps: RequestSteps | None = None

    def parse(self, body: bytes) -> ApiRequest:
        """Parse a body. Raises BadRequest, naming ``param``."""
        model, _ = read(body)
        fields = read_members(body, required=("input",))
        fields.pop("model", None)
        return ApiRequest("moderations", model, fields)

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> ResponseWriter:
        """Return the writer for one response."""
        return ResponseWriter(request, out, record)


def read(body: bytes) -> tuple[str, int]:
    """Return the requested model and the number of results for the input. Raises BadRequest, naming ``param``."""
    fields = read_members(body, required=("input",))
    try:
        return _model(fields.get("model", MODEL)), _inputs(fields["input"])
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None


def _model(name: Any) -> str:
    if type(name) is not str:
        raise wrong_type("model", Message("a string"), name)
    return checked_model(name)


def _inputs(value: Any) -> int:
    """Return the number of results: one for a text, one for each of several texts, one for one input with images."""
    if type(value) is str:
        return 1
    if type(value) is not list:
        raise wrong_type("input", one_of([Message("a string"), Message("an array")]), value)
    if not value:
        raise Invalid("input", Message("Invalid '{name}': it must not be empty.", name="input"))
    if len(value) > MOST:
        raise Invalid(
            "input",
            Message(
                "Invalid '{name}': array too long. Expected at most {most} items, but got {got}.",
                name="input",
                most=MOST,
                got=len(value),
            ),
        )
    kind = type(value[0])
    if kind not in (str, dict):
        raise wrong_type("input[0]", one_of([Message("a string"), Message("an object")]), value[0])
    for index, item in enumerate(value):
        if type(item) is not kind:
            raise wrong_type(f"input[{index}]", Message("a string") if kind is str else Message("an object"), item)
        if type(item) is dict and item.get("type") not in ("text", "image_url"):
            raise Invalid(
                f"input[{index}].type",
                Message(
                    "Invalid value for '{name}': expected one of {words}.",
                    name=f"input[{index}].type",
                    words="text, image_url",
                ),
                "unsupported_value",
            )
    return 1 if kind is dict else len(value)


def unflagged(answer_id: str, model: str, results: int) -> dict[str, Any]:
    """Return a response that flags nothing. Its ``category_applied_input_types`` are empty: nothing was checked."""
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.0),
        "category_applied_input_types": {name: [] for name in CATEGORIES},
    }
    return {"id": f"modr-{answer_id}", "model": model, "results": [result] * results}
