"""The emulator of MiniMax: written from the vendor's fact sheet, whose sections the comments name.

Chat is served at the OpenAI-compatible path and at the native one of 2024, `/v1/text/chatcompletion_v2`; beside it, models and
embeddings. `BANJIA_EMULATOR_RETIRED=1` in the environment also serves the models of 2024. `MINIMAX_GROUP_ID` in the
environment is the only group of the account; without it any number is one. Not emulated: `chatcompletion_pro`, the Anthropic
base, /responses, images, speech, transcription, files, video.

The directive `emulator:finish=1027` ends an answer with that error of the sheet: a stream in its middle, after a status of 200.
"""

import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.limits import AT_ONCE_WAIT_S
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, parse_directives, text_of
from emulators.minimax import embeddings, errors, messages, rules, tools
from emulators.minimax.answer import FAILURES, ChatCompletion, request_id, trace_headers
from emulators.minimax.errors import Refusal
from emulators.minimax.models import CURRENT, MODELS, Model, entry, listing, thinks

MADE_UP_KEY = "sk-emulated-minimax-0000000000000001"
BASE = "/v1"
CHAT = "/chat/completions"
NATIVE = "/text/chatcompletion_v2"
EMBEDDINGS = "/embeddings"
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PICTURE = 256
TOKENS_PER_VIDEO = 1024
LEAST_CACHED = 512
"""Prompt tokens that an earlier request must exceed for its prefix to be cached; reported, not in the sheet."""
REMEMBERED = 1000
"""The most prompts whose prefixes are cached."""
FAULTS = {"overloaded": 2064, "quota": 1008, "inspection": 1026, "bad_key": 2049, "error_500": 1000}
"""The numbers of the faults that have a text of their own."""


class MiniMax:
    """The vendor, with one key, a list of models, a cache of prefixes."""

    name = "minimax"
    prefix = BASE

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("MINIMAX_API_KEY") or MADE_UP_KEY
        self._group = environ.get("MINIMAX_GROUP_ID") or None
        retired = environ.get("BANJIA_EMULATOR_RETIRED") == "1"
        self._models = {name: model for name, model in MODELS.items() if retired or not model.retired}
        self._numbers = itertools.count(1)
        self._prompts: OrderedDict[str, int] = OrderedDict()

    def environment(self, base_url: str) -> dict[str, str]:
        return {"MINIMAX_API_KEY": self._key, "MINIMAX_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        number = next(self._numbers)
        try:
            reply = self._answer(request, number)
        except Refusal as refusal:
            reply = self._refused(refusal, request, number, in_stream=True)
        except BadSchema:
            reply = self._refused(errors.invalid("invalid schema"), request, number, in_stream=True)
        if isinstance(reply, ChatCompletion):
            failed = reply.failed
            if failed is None or reply.stream:
                return reply
            reply = self._refused(failed, request, number)
        if isinstance(reply, Response):
            reply.headers += trace_headers(number)
        return reply

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        number = next(self._numbers)
        reply = self._refused(_failed(name, value, request), request, number)
        reply.headers += trace_headers(number)
        # the sheet has no such header: it is sent only if the fault has a wait
        if name == "rate_limit" and value is not None and value >= 0:
            reply.headers.append(("retry-after", f"{value:g}"))
        return reply

    def _refused(self, refusal: Refusal, request: HttpRequest, number: int, *, in_stream: bool = False) -> Response:
        """Return an error in the form of the request's path; `in_stream`: as an event if a native stream was requested."""
        name = request_id(number)
        if request.path == BASE + EMBEDDINGS:
            return Response.json(200, embeddings.refused(refusal))
        model = self._models.get(_model_of(request))
        if request.path != BASE + NATIVE and not (request.path == BASE + CHAT and model and model.early):
            return Response.json(refusal.status, refusal.body(name))
        # sheet 6: HTTP 200, "also as an SSE frame": an error of the request itself is one here, a fault is not
        body = refusal.native_body(name, _model_of(request))
        streamed = isinstance(request.json, dict) and request.json.get("stream") is True
        if not in_stream or not streamed:
            return Response.json(200, body)
        return Response(200, b"data: " + orjson.dumps(body) + b"\n\n", [("content-type", "text/event-stream")])

    def _answer(self, request: HttpRequest, number: int) -> Response | ModelResponse:
        self._authenticate(request)
        path = request.path.removeprefix(BASE) if request.path.startswith(f"{BASE}/") else ""
        if request.method == "POST" and path in (CHAT, NATIVE):
            return self._chat(request, number, native=path == NATIVE)
        if request.method == "POST" and path == EMBEDDINGS:
            embeddings.check_group(request.query, self._group)
            return Response.json(200, embeddings.answer(_body(request)))
        # sheet 2: the list; the vendor's page: one model
        if request.method == "GET" and path == "/models":
            return Response.json(200, listing())
        for model in CURRENT if request.method == "GET" else ():
            if path == f"/models/{model.id}":
                return Response.json(200, entry(model))
        # sheet 2: "none" for the other paths; the text is invented
        return Response(404, b"404 page not found", [("content-type", "text/plain")])

    def _authenticate(self, request: HttpRequest) -> None:
        # sheet 1: Bearer; a key with a group behind it is a form of gateways. Sheet 6: 1004, 2049
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise Refusal(1004)
        if key != self._key:
            raise Refusal(2049)

    def _chat(self, request: HttpRequest, number: int, *, native: bool) -> ChatCompletion:
        body = _body(request)
        named = body.get("model")
        model = self._models.get(named) if isinstance(named, str) else None
        if model is None:
            raise errors.unknown_model(_model_of(request))
        messages.check(body.get("messages"), model)
        rules.check(body, model)
        choice = tools.choice_of(body, native=native)
        used = count_prompt(body)
        left = model.window - used
        if left < 0:
            raise errors.context()
        return ChatCompletion(
            complete(_prompt_of(body, model, choice, min(rules.most_out(body, model), left))),
            body,
            model,
            number=number,
            prompt=used,
            cached=self._cached(body, used),
            gap_s=parse_directives(body["messages"]).gap_s,
            native=native,
            warning=rules.warning(body, model),
        )

    def _cached(self, body: dict[str, Any], prompt_tokens: int) -> int:
        """Return the prompt tokens shared with an earlier request, and remember this request."""
        cached, so_far = 0, hashlib.sha256(body["model"].encode())
        for message in body["messages"]:
            so_far.update(orjson.dumps(message))
            cached = self._prompts.get(so_far.hexdigest(), cached)
        if prompt_tokens > LEAST_CACHED:
            self._prompts[so_far.hexdigest()] = prompt_tokens
            if len(self._prompts) > REMEMBERED:
                self._prompts.popitem(last=False)
        return min(cached, prompt_tokens)


def _body(request: HttpRequest) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        raise errors.invalid()
    return body


def _model_of(request: HttpRequest) -> str:
    """Return the model that a request names, empty if it names none."""
    named = request.json.get("model") if isinstance(request.json, dict) else None
    return named if isinstance(named, str) else ""


def _failed(name: str, value: float | None, request: HttpRequest) -> Refusal:
    """Return the error for a fault."""
    if name == "rate_limit":
        # sheet 6: 1041 for connections, 1002 for the rate
        at_once = value is not None and 0 <= value <= AT_ONCE_WAIT_S
        return Refusal(1041 if at_once else 1002)
    if name == "context":
        return errors.context()
    if name == "model_missing":
        return errors.unknown_model(_model_of(request))
    return Refusal(FAULTS[name])


def count_prompt(body: dict[str, Any]) -> int:
    """Return the tokens of the prompt: messages with their reasoning, media and tools."""
    total = sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        if message["role"] == "assistant":
            total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        kinds = [part["type"] for part in content] if isinstance(content, list) else []
        total += TOKENS_PER_PICTURE * kinds.count("image_url") + TOKENS_PER_VIDEO * kinds.count("video_url")
        # sheet 4a: reasoning is replayed, in the content or in reasoning_details
        details = message.get("reasoning_details")
        if isinstance(details, list):
            total += tokens.count(text_of(details))
    return total


def _prompt_of(body: dict[str, Any], model: Model, choice: str, most: int) -> Prompt:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    form = body.get("response_format")
    return Prompt(
        messages=body["messages"],
        # sheet 4a: web_search runs on the server: it is not called
        tools=[Tool(function["name"], function["parameters"]) for function in functions],
        choice=choice,
        thinks=thinks(model, body),
        schema=form["json_schema"]["schema"] if model.schema and form is not None else None,
        # sheet 5: finish_reason content_filter
        moderates=True,
        failures=FAILURES,
        most_in_all=most,
    )
