"""The emulator of Qwen (Alibaba Cloud Model Studio, DashScope) in compatible mode.

Written from the vendor's fact sheet, whose sections the comments name. The native protocol is not served.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, parse_directives, text_of
from emulators.qwen import embeddings, errors, messages, rules
from emulators.qwen.answer import Completion, request_headers, request_id
from emulators.qwen.errors import Refusal
from emulators.qwen.models import EMBEDDERS, MODELS, NATIVE_ONLY, Model, listing, thinks

MADE_UP_KEY = "sk-emulated-qwen-0000000000000001"
TOKENS_PER_MESSAGE = 4
TOKENS_PER_MEDIUM = 256


class Qwen:
    """The vendor, with one key and a list of models."""

    name = "qwen"
    prefix = "/compatible-mode/v1"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("DASHSCOPE_API_KEY") or MADE_UP_KEY
        self._numbers = itertools.count(1)

    def environment(self, base_url: str) -> dict[str, str]:
        return {"DASHSCOPE_API_KEY": self._key, "DASHSCOPE_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        number = next(self._numbers)
        try:
            response = self._answer(request, number)
        except Refusal as refusal:
            return _refused(refusal, number)
        except BadSchema:
            return _refused(errors.invalid("a schema is malformed"), number)
        return (
            response if isinstance(response, ModelResponse) else Response.json(200, response, request_headers(number))
        )

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        model_id = request.json.get("model") if isinstance(request.json, dict) else None
        number = next(self._numbers)
        if name == "model_missing":
            return _refused(errors.missing_model(model_id), number)
        if name == "context":
            model = MODELS.get(model_id) if isinstance(model_id, str) else None
            return _refused(errors.out_of_range("input length", "1", str(model.most_in if model else 30_720)), number)
        reply = _refused(errors.fixed(name), number)
        # sheet 6: "No Retry-After is documented": the header is sent only if the fault has a wait
        if name == "rate_limit" and value is not None and value >= 0:
            reply.headers.append(("retry-after", f"{value:g}"))
        return reply

    def _answer(self, request: HttpRequest, number: int) -> Completion | dict[str, Any]:
        # sheet 1: Authorization: Bearer; sheet 6: 401
        if request.headers.get("authorization", "").split() != ["Bearer", self._key]:
            raise errors.fixed("bad_key")
        match request.method, request.path.removeprefix(self.prefix):
            case "POST", "/chat/completions":
                return self._chat(_body(request), number)
            case "POST", "/embeddings":
                body = _body(request)
                embedder = EMBEDDERS.get(body["model"])
                if embedder is None:
                    raise errors.missing_model(body["model"])
                return embeddings.answer(body, embedder, request_id(number))
            case "GET", "/models":
                return {"object": "list", "data": list(listing())}
        # sheet 6: 404 NotFound; the text is invented
        raise Refusal(404, "NotFound", f"Not found: {request.method} {request.path}", "invalid_request_error")

    def _chat(self, body: dict[str, Any], number: int) -> Completion:
        model = _model(body["model"])
        thinking = thinks(model, body)
        messages.check(body.get("messages"), model)
        rules.check(body, model, thinking=thinking)
        prompt_tokens = count_prompt(body)
        # sheet 6: "Range of input length should be"
        if prompt_tokens > model.most_in:
            raise errors.out_of_range("input length", "1", str(model.most_in))
        prompt = _prompt_of(body, model, thinking)
        return Completion(
            [complete(prompt) for _ in range(body.get("n") or 1)],
            body,
            model,
            number=number,
            prompt=prompt_tokens,
            gap_s=parse_directives(body["messages"]).gap_s,
            named=prompt.choice.startswith("="),
            thinks=thinking,
        )


def _refused(refusal: Refusal, number: int) -> Response:
    return Response.json(refusal.status, refusal.body(request_id(number)), request_headers(number))


def _body(request: HttpRequest) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        raise errors.invalid("the request body should be a JSON object")
    if not isinstance(body.get("model"), str) or not body["model"]:
        # sheet 6: BadRequest.EmptyModel
        raise Refusal(400, "BadRequest.EmptyModel", "you must provide a model parameter", "invalid_request_error")
    return body


def _model(name: str) -> Model:
    model = MODELS.get(name)
    if model is not None:
        return model
    if name in NATIVE_ONLY:
        raise errors.unsupported_model(name)
    if name in EMBEDDERS:
        # sheet 2: a model sent to the wrong service path
        raise errors.invalid("url error, please check url！")
    raise errors.missing_model(name)


def count_prompt(body: dict[str, Any]) -> int:
    """Return the tokens of the prompt: messages, media and tools."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_MEDIUM * sum(part.get("type") != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])


def _prompt_of(body: dict[str, Any], model: Model, thinking: bool) -> Prompt:
    response_format = body.get("response_format") or {}
    stop = body.get("stop")
    choice = body.get("tool_choice") or "auto"
    return Prompt(
        messages=body["messages"],
        tools=[Tool(tool["function"]["name"], tool["function"].get("parameters")) for tool in body.get("tools") or []],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        # sheet 4a: parallel_tool_calls: default false
        parallel=body.get("parallel_tool_calls") is True,
        thinks=thinking,
        json_mode=response_format.get("type") == "json_object",
        schema=response_format["json_schema"]["schema"] if response_format.get("type") == "json_schema" else None,
        # sheet 4a: stop may be token ids; this emulator has no token ids
        stops=[stop] if isinstance(stop, str) else [one for one in stop or [] if isinstance(one, str)],
        # sheet 4a: max_tokens "does not cap reasoning"; max_completion_tokens caps both where it is known
        most_answer=body.get("max_tokens"),
        most_in_all=body.get("max_completion_tokens") if model.caps_all else None,
        most_reasoning=body.get("thinking_budget"),
        # sheet 5a: tool deltas: no-parameter tools may end with arguments ""
        bare_calls=True,
    )
