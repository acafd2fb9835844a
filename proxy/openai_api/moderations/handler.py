"""The front of ``POST /v1/moderations``: a vendor's own, or the answer that finds nothing because nobody looked."""

from typing import Any

from adapters.core.message import Message, one_of
from adapters.core.request import ApiRequest
from adapters.openai_params.param import Invalid, wrong_type
from proxy.errors import BadRequest
from proxy.observability.request_record import RequestRecord
from proxy.openai_api.json_body import check_model, read_members
from proxy.openai_api.response_writer import ResponseWriter
from proxy.openai_api.writer import ResponseChannel

MODEL = "omni-moderation-latest"
"""What OpenAI takes where no model is named."""
MOST = 2048
"""How many texts are taken at once. Our own limit: a result is a hundred times as long as the shortest text."""
CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
"""OpenAI's categories, all of which its clients expect in every result (source: its API description)."""


class ModerationsHandler:
    """Moderations by a vendor that has them: the question and the answer as they come."""

    operation = "moderations"

    def parse(self, body: bytes) -> ApiRequest:
        """The ask of a body. Raises BadRequest, naming ``param``."""
        model, _ = read(body)
        fields = read_members(body, required=("input",))
        fields.pop("model", None)
        return ApiRequest("moderations", model, fields)

    def writer(self, request: ApiRequest, out: ResponseChannel, record: RequestRecord) -> ResponseWriter:
        """The writer for one answer."""
        return ResponseWriter(request, out, record)


def read(body: bytes) -> tuple[str, int]:
    """The model that was named, and how many results belong to the input. Raises BadRequest, naming ``param``."""
    fields = read_members(body, required=("input",))
    try:
        return _model(fields.get("model", MODEL)), _inputs(fields["input"])
    except Invalid as invalid:
        raise BadRequest(invalid.message, param=invalid.param, code=invalid.code) from None


def _model(name: Any) -> str:
    if type(name) is not str:
        raise wrong_type("model", Message("a string"), name)
    return check_model(name)


def _inputs(given: Any) -> int:
    """One result for a text, one for each of several texts, and one for the parts of one input with images."""
    if type(given) is str:
        return 1
    if type(given) is not list:
        raise wrong_type("input", one_of([Message("a string"), Message("an array")]), given)
    if not given:
        raise Invalid("input", Message("Invalid '{name}': it must not be empty.", name="input"))
    if len(given) > MOST:
        raise Invalid(
            "input",
            Message(
                "Invalid '{name}': array too long. Expected at most {most} items, but got {got}.",
                name="input",
                most=MOST,
                got=len(given),
            ),
        )
    kind = type(given[0])
    if kind not in (str, dict):
        raise wrong_type("input[0]", one_of([Message("a string"), Message("an object")]), given[0])
    for at, one in enumerate(given):
        if type(one) is not kind:
            raise wrong_type(f"input[{at}]", Message("a string") if kind is str else Message("an object"), one)
        if type(one) is dict and one.get("type") not in ("text", "image_url"):
            raise Invalid(
                f"input[{at}].type",
                Message(
                    "Invalid value for '{name}': expected one of {words}.",
                    name=f"input[{at}].type",
                    words="text, image_url",
                ),
                "unsupported_value",
            )
    return 1 if kind is dict else len(given)


def unflagged(answer_id: str, model: str, results: int) -> dict[str, Any]:
    """A whole answer in which nothing is flagged. Its ``category_applied_input_types`` are empty: nothing was read."""
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.0),
        "category_applied_input_types": {name: [] for name in CATEGORIES},
    }
    return {"id": f"modr-{answer_id}", "model": model, "results": [result] * results}
