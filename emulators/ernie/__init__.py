"""The emulator of ERNIE (Baidu Qianfan): v2, the API that is OpenAI's in shape. Chat, embeddings, the list of models.

Written from the vendor's fact sheet, whose sections the comments name. The native protocol, v1, is not served: it was
retired on 2026-08-31 (sheet, head). An additional directive in the last user message: `emulator:flag=2` is the verdict
of the content check on the answer (sheet 5.1: flag).

`BANJIA_EMULATOR_RETIRED=1` in the environment also serves the models of 2024, in the formats that v2 had then.
"""

import itertools
import re
import time
from collections.abc import Mapping
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, last_user_text, parse_directives, text_of
from emulators.ernie import embeddings, errors, messages, rules
from emulators.ernie.answer import Completion, answer_id, limit_headers
from emulators.ernie.errors import Refusal
from emulators.ernie.models import EMBEDDERS, MODELS, Model, listing, thinks

# sheet 1: "key looks like `bce-v3/ALTAK-<id>/<hex>`"
MADE_UP_KEY = "bce-v3/ALTAK-emulatedErnie/0000000000000000000000000000000000000001"
APP = re.compile(r"app-\w+\Z")
TOKENS_PER_MESSAGE = 4
TOKENS_PER_MEDIUM = 256


class Ernie:
    """The vendor, with one key, a list of models."""

    name = "ernie"
    prefix = "/v2"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("QIANFAN_API_KEY") or environ.get("QIANFAN_BEARER_TOKEN") or MADE_UP_KEY
        self._app = environ.get("QIANFAN_APP_ID")
        retired = environ.get("BANJIA_EMULATOR_RETIRED") == "1"
        self._models = {name: model for name, model in MODELS.items() if retired or not model.retired}
        self._numbers = itertools.count(1)

    def environment(self, base_url: str) -> dict[str, str]:
        return {"QIANFAN_API_KEY": self._key, "QIANFAN_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        number = next(self._numbers)
        try:
            response = self._answer(request, number)
        except Refusal as refusal:
            return _refused(refusal, number)
        except BadSchema:
            return _refused(errors.invalid("a schema is malformed"), number)
        return response if isinstance(response, ModelResponse) else Response.json(200, response, limit_headers())

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        reply = _refused(errors.fixed(name), next(self._numbers))
        if name == "rate_limit":
            reply.headers += limit_headers(left=0)
            # sheet 6.2: "No `Retry-After` documented": it is sent only if the fault has a wait
            if value is not None and value >= 0:
                reply.headers.append(("retry-after", f"{value:g}"))
        return reply

    def _answer(self, request: HttpRequest, number: int) -> Completion | dict[str, Any]:
        path = request.path.removeprefix(self.prefix)
        self._authenticate(request, path)
        match request.method, path:
            case "POST", "/chat/completions":
                return self._chat(_body(request), number)
            case "POST", "/embeddings":
                body = _body(request)
                embedder = EMBEDDERS.get(body["model"])
                if embedder is None:
                    raise errors.fixed("model_missing")
                return embeddings.answer(body, embedder, answer_id(number), int(time.time()))
            case "GET", "/models":
                return {"object": "list", "data": list(listing(self._models))}
            case _, "/chat/completions" | "/embeddings" | "/models":
                # sheet 6.2: 405
                raise errors.fixed("bad_method")
        raise errors.fixed("no_path")

    def _authenticate(self, request: HttpRequest, path: str) -> None:
        authorization = request.headers.get("authorization", "")
        # sheet 2: GET /v2/models: "no key -> 403"
        if not authorization and path == "/models":
            raise errors.fixed("no_key_for_models")
        # sheet 6.2: invalid_iam_token: "missing, wrong or expired bearer"
        if authorization.split() != ["Bearer", self._key]:
            raise errors.fixed("bad_key")
        # sheet 1: `appid: app-xxxx`, optional; an unknown id is refused. Without an id in the environment
        # every well-formed id is accepted.
        app = request.headers.get("appid")
        if app is not None and (app != self._app if self._app else not APP.match(app)):
            raise errors.fixed("bad_app")

    def _chat(self, body: dict[str, Any], number: int) -> Completion:
        model = self._model(body["model"])
        messages.check(body.get("messages"), model)
        rules.check(body, model)
        prompt = count_prompt(body)
        _fits(body, model, prompt)
        return Completion(
            complete(_prompt_of(body, thinks(model, body))),
            body,
            model,
            number=number,
            prompt=prompt,
            gap_s=parse_directives(body["messages"]).gap_s,
            flag=_flag(body),
        )

    def _model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is not None:
            return model
        # sheet 6.2: 403 model_offline; an embedding model has no chat, and the sheet does not state its error
        raise errors.fixed("model_offline" if name in MODELS else "model_missing")


def _refused(refusal: Refusal, number: int) -> Response:
    return Response.json(refusal.status, refusal.body(answer_id(number)))


def _body(request: HttpRequest) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        # sheet 6.2: malformed_json
        raise errors.invalid("the body is not a JSON object", "malformed_json")
    if not isinstance(body.get("model"), str) or not body["model"]:
        # sheet 4.3: model
        raise errors.fixed("no_model")
    return body


def _fits(body: dict[str, Any], model: Model, prompt: int) -> None:
    # sheet 6.2: characters_too_long, tokens_too_long; the limits: 3.1, 3.3
    characters = sum(len(text_of(message.get("content"))) for message in body["messages"])
    if model.most_characters is not None and characters > model.most_characters:
        raise errors.fixed("characters")
    if prompt > model.most_in:
        raise errors.fixed("context")


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


def _prompt_of(body: dict[str, Any], thinking: bool) -> Prompt:
    response_format = body.get("response_format") or {}
    choice = body.get("tool_choice") or "auto"
    return Prompt(
        messages=body["messages"],
        tools=[Tool(tool["function"]["name"], tool["function"].get("parameters")) for tool in body.get("tools") or []],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        # sheet 4.3: parallel_tool_calls: default true
        parallel=body.get("parallel_tool_calls") is not False,
        thinks=thinking,
        json_mode=response_format.get("type") == "json_object",
        schema=response_format["json_schema"]["schema"] if response_format.get("type") == "json_schema" else None,
        stops=body.get("stop") or [],
        # Whether max_tokens counts reasoning is not stated. Strict reading: it does.
        most_in_all=body.get("max_tokens"),
        # sheet 4.3: thinking_budget: default 16384
        most_reasoning=body.get("thinking_budget") or rules.BUDGET[1],
    )


def _flag(body: dict[str, Any]) -> int:
    """Return the content check's verdict from the last user message; 0, which is safe, by default."""
    match = re.search(r"emulator:(?:\S*,)?flag=([0-4])\b", last_user_text(body["messages"]))
    return int(match[1]) if match else 0
