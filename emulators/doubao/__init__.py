"""The emulator of Doubao on Volcengine Ark: written from the vendor's fact sheet, whose sections the comments name.

Chat, embeddings, multimodal embeddings, tokenization, the list of models, and the control plane's GetApiKey (on the same port, at
the path `/`). Bots, batches, contexts, files, images, videos, /responses, end-to-end encryption and resold models are not
emulated, nor is the event `error` in a stream: an error in a stream is a `data:` line (sheet 5).
"""

import itertools
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, parse_directives, text_of
from emulators.doubao import control_plane, embeddings, errors, messages, rules
from emulators.doubao.answer import Completion, request_headers, request_id
from emulators.doubao.control_plane import ControlPlane
from emulators.doubao.errors import Refusal
from emulators.doubao.models import CLOSED, EMBEDDERS, MODELS, NOT_OPEN, Embedder, Model, listing, thinks, underlying

MADE_UP_KEY = "emulated-0000-doubao-0001"
DEFAULT_MAX_TOKENS = 4096
"""Sheet 4a: max_tokens: the default, for the answer without reasoning."""
TOKENS_PER_MESSAGE = 4
TOKENS_PER_MEDIUM = 256
WINDOW_OF_FAULTS = 262_144
"""The context window that the fault `context` names if the model is unknown."""


class Doubao:
    """The vendor: an account with one key, one access key, endpoints, and models that are open."""

    name = "doubao"
    prefix = "/api/v3"

    def __init__(self, environ: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        self._key = environ.get("ARK_API_KEY") or MADE_UP_KEY
        self._control_plane = ControlPlane(environ)
        self._clock = clock
        self._numbers = itertools.count(1)

    def environment(self, base_url: str) -> dict[str, str]:
        return {
            "ARK_API_KEY": self._key,
            "ARK_BASE_URL": base_url,
            "VOLC_ACCESSKEY": self._control_plane.access_key,
            "VOLC_SECRETKEY": self._control_plane.secret_key,
        }

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        number = next(self._numbers)
        if request.path == control_plane.PATH:
            return _with_id(self._control_plane.answer(request, request_id(number), self._clock()), number)
        try:
            reply = self._answer(request, number)
        except Refusal as refusal:
            reply = refusal.reply(request_id(number))
        except BadSchema:
            reply = errors.invalid_request("Invalid schema.").reply(request_id(number))
        return reply if isinstance(reply, ModelResponse) else _with_id(reply, number)

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        number = next(self._numbers)
        if request.path == control_plane.PATH:
            return _with_id(control_plane.failure(name, request_id(number)), number)
        model = request.json.get("model") if isinstance(request.json, dict) else None
        if name == "rate_limit":
            refusal = errors.rate_limit(model, value)
        elif name == "model_missing":
            refusal = errors.unknown_model(model)
        elif name == "context":
            known = MODELS.get(underlying(model)) if isinstance(model, str) else None
            window = known.window if known else WINDOW_OF_FAULTS
            refusal = errors.too_long(window + 3_215, window)
        else:
            refusal = errors.fixed(name)
        return _with_id(refusal.reply(request_id(number)), number)

    def _answer(self, request: HttpRequest, number: int) -> Response | ModelResponse:
        resources = self._authenticate(request)
        match request.method, request.path.removeprefix(self.prefix):
            case "POST", "/chat/completions":
                body = _body(request, resources)
                return self._chat(body, _model(body["model"]), number)
            case "POST", "/embeddings":
                body = _body(request, resources)
                embedder = _embedder(body["model"], multimodal=False)
                return Response.json(200, embeddings.embeddings(body, embedder, request_id(number)))
            case "POST", "/embeddings/multimodal":
                body = _body(request, resources)
                embedder = _embedder(body["model"], multimodal=True)
                return Response.json(200, embeddings.multimodal(body, embedder, request_id(number)))
            case "POST", "/tokenization":
                body = _body(request, resources)
                counted = _known(body["model"])
                return Response.json(200, embeddings.tokenization(body, counted.id, request_id(number)))
            case "GET", "/models" if resources is None:
                return Response.json(200, listing())
            case "GET", "/models":
                # the vendor's page: a temporary key is for its resources only
                raise errors.fixed("no_access")
        # the sheet is silent about unknown paths
        raise Refusal(404, "NotFound.Path", f"The specified path {request.path} is not found.")

    def _authenticate(self, request: HttpRequest) -> frozenset[str] | None:
        """Return the resources of a temporary key, `None` for the account's own key. Raises Refusal."""
        # sheet 1: Authorization: Bearer; the page of error codes has one text for a missing and a wrong key
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise errors.fixed("bad_key")
        if key == self._key:
            return None
        resources = self._control_plane.resources_of(key, self._clock())
        if resources is None:
            raise errors.fixed("bad_key")
        return resources

    def _chat(self, body: dict[str, Any], model: Model, number: int) -> Completion:
        rules.check_thinking(body, model)
        thinking = thinks(model, body)
        messages.check(body.get("messages"), model)
        rules.check(body, model, thinking=thinking)
        prompt_tokens = count_prompt(body)
        _fits(body, prompt_tokens, model)
        prompt = _prompt_of(body, thinking=thinking)
        return Completion(
            [complete(prompt) for _ in range(body.get("n") or 1)],
            body,
            model.id,
            number=number,
            prompt=prompt_tokens,
            gap_s=parse_directives(body["messages"]).gap_s,
            thinks=thinking,
        )


def _with_id(reply: Response, number: int) -> Response:
    reply.headers += request_headers(number)
    return reply


def _body(request: HttpRequest, resources: frozenset[str] | None) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        # the text is that of a live answer
        raise errors.invalid("", "we could not parse the JSON body of your request")
    model = body.get("model")
    if model is None or model == "":
        raise errors.missing("model")
    if not isinstance(model, str):
        raise errors.wrong_type("model", "a string", model)
    # the sheet does not state the error for another resource than those of a temporary key
    if resources is not None and model not in resources:
        raise errors.fixed("no_access")
    return body


def _known(name: str) -> Model | Embedder:
    """Return the model of an endpoint or of a dated id. Raises Refusal."""
    if name in CLOSED:
        raise errors.fixed("closed")
    if name in NOT_OPEN:
        raise errors.not_open(name)
    model_id = underlying(name)
    known = MODELS.get(model_id) or EMBEDDERS.get(model_id)
    if known is None:
        raise errors.unknown_model(name)
    return known


def _model(name: str) -> Model:
    model = _known(name)
    if not isinstance(model, Model):
        raise errors.wrong_api(name)
    return model


def _embedder(name: str, *, multimodal: bool) -> Embedder:
    model = _known(name)
    if not isinstance(model, Embedder) or model.multimodal is not multimodal:
        raise errors.wrong_api(name)
    return model


def count_prompt(body: dict[str, Any]) -> int:
    """Return the tokens of the prompt: messages, images, videos, audio and tools."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_MEDIUM * sum(part["type"] != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])


def _fits(body: dict[str, Any], prompt_tokens: int, model: Model) -> None:
    # whether the limit of output counts is not in the sheet: it does not
    if prompt_tokens <= model.window:
        return
    parts = [
        part for message in body["messages"] if isinstance(message.get("content"), list) for part in message["content"]
    ]
    if any(part["type"] != "text" for part in parts):
        # the vendor's page of error codes: for a prompt with images
        raise Refusal(400, "OutofContextError", "Total tokens of image and text exceed max message tokens.")
    raise errors.too_long(prompt_tokens, model.window)


def _prompt_of(body: dict[str, Any], *, thinking: bool) -> Prompt:
    stop = body.get("stop")
    choice = body.get("tool_choice") or "auto"
    wanted = body.get("response_format") or {}
    functions = [tool["function"] for tool in body.get("tools") or []]
    most_in_all = body.get("max_completion_tokens")
    most_answer = body.get("max_tokens")
    if most_in_all is None and most_answer is None:
        most_answer = DEFAULT_MAX_TOKENS
    return Prompt(
        messages=[_as_system(message) for message in body["messages"]],
        tools=[Tool(function["name"], function.get("parameters")) for function in functions],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        parallel=body.get("parallel_tool_calls") is not False,
        thinks=thinking,
        json_mode=wanted.get("type") == "json_object",
        schema=wanted["json_schema"].get("schema") or {} if wanted.get("type") == "json_schema" else None,
        stops=[stop] if isinstance(stop, str) else stop or [],
        # sheet 5: finish_reason content_filter, moderation_hit_type
        moderates=True,
        # sheet 4a: max_tokens is for the answer, max_completion_tokens counts reasoning
        most_answer=most_answer,
        most_in_all=most_in_all,
    )


def _as_system(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "role": "system"} if message["role"] == "developer" else message
