"""The emulator of Kimi (Moonshot AI): written from the vendor's fact sheet, whose sections the comments name.

`BANJIA_EMULATOR_RETIRED=1` in the environment also serves the retired models.
"""

import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, RequestRefused, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, parse_directives, text_of
from emulators.kimi import errors, messages, rules
from emulators.kimi.answer import Completion, request_headers
from emulators.kimi.models import MODELS, Model, listing, thinks

MADE_UP_KEY = "sk-emulated-kimi-0000000000000001"
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PICTURE = 256
LEAST_CACHED = 256
"""Prompt tokens that an earlier request must exceed for its prefix to be cached (sheet 4b)."""
REMEMBERED = 1000
"""The most prompts whose prefixes are cached."""


class Kimi:
    """The vendor, with one key, a list of models, a cache of prefixes."""

    name = "kimi"
    prefix = "/v1"

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("MOONSHOT_API_KEY") or environ.get("KIMI_API_KEY") or MADE_UP_KEY
        retired = environ.get("BANJIA_EMULATOR_RETIRED") == "1"
        self._models = {name: model for name, model in MODELS.items() if retired or not model.retired}
        self._numbers = itertools.count(1)
        self._prompts: OrderedDict[str, int] = OrderedDict()

    def environment(self, base_url: str) -> dict[str, str]:
        return {"MOONSHOT_API_KEY": self._key, "MOONSHOT_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        try:
            reply = self._answer(request)
        except RequestRefused as refused:
            reply = refused.reply
        except BadSchema:
            reply = errors.invalid("Invalid request: a schema is malformed").reply
        if isinstance(reply, Response):
            reply.headers += request_headers(next(self._numbers))
        return reply

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        model_id = request.json.get("model") if isinstance(request.json, dict) else None
        if name == "rate_limit":
            reply = errors.rate_limit(1 if value is None or value < 0 else value)
        elif name == "model_missing":
            reply = errors.missing_model(model_id)
        elif name == "context":
            model = self._models.get(model_id) if isinstance(model_id, str) else None
            window = model.window if model else 262_144
            reply = errors.too_long(window, window + 3_215)
        else:
            reply = errors.fixed(name)
        reply.headers += request_headers(next(self._numbers))
        return reply

    def _answer(self, request: HttpRequest) -> Response | ModelResponse:
        self._authenticate(request)
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return self._chat(request)
            case "GET", "/v1/models":
                return Response.json(200, {"object": "list", "data": [listing(one) for one in self._models.values()]})
            case "GET", path if path.startswith("/v1/models/"):
                # sheet 2: not documented, "emulate from the list"
                model_id = path.removeprefix("/v1/models/")
                model = self._models.get(model_id)
                return Response.json(200, listing(model)) if model else errors.missing_model(model_id)
            case "POST", "/v1/tokenizers/estimate-token-count":
                return self._estimate(request)
            case "GET", "/v1/users/me/balance":
                return Response.json(200, _BALANCE)
        # sheet 2: /completions, /embeddings, /images/* … "none"; the text is invented
        return errors.error(404, "resource_not_found_error", f"Not found: {request.method} {request.path}")

    def _authenticate(self, request: HttpRequest) -> None:
        # sheet 6: the two 401s; the sheet does not state which one is for a missing key
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise RequestRefused(errors.fixed("no_key"))
        if key.strip() != self._key:
            raise RequestRefused(errors.fixed("bad_key"))

    def _asked(self, request: HttpRequest) -> tuple[dict[str, Any], Model]:
        body = request.json
        if not isinstance(body, dict):
            raise errors.invalid("Invalid request: the body is not a JSON object")
        name = body.get("model")
        if not isinstance(name, str) or not name:
            raise errors.invalid("Invalid request: model is required")
        model = self._models.get(name)
        if model is None:
            raise RequestRefused(errors.missing_model(name))
        return body, model

    def _chat(self, request: HttpRequest) -> Completion:
        body, model = self._asked(request)
        thinking = thinks(model, body)
        messages.check(body.get("messages"), model, thinking=thinking)
        rules.check(body, model, thinking=thinking)
        prompt_tokens = count_prompt(body)
        _fits(body, model, prompt_tokens)
        prompt = _prompt_of(body, thinking)
        completions = [complete(prompt) for _ in range(body.get("n") or 1)]
        cached = self._cached(body, prompt_tokens)
        gap_s = parse_directives(body["messages"]).gap_s
        return Completion(completions, body, model, next(self._numbers), prompt_tokens, cached, gap_s)

    def _cached(self, body: dict[str, Any], prompt_tokens: int) -> int:
        """Return the prompt tokens shared with an earlier request, and remember this request (sheet 4b)."""
        cached, so_far = 0, hashlib.sha256(str(body["model"]).encode())
        for message in body["messages"]:
            so_far.update(orjson.dumps(message))
            cached = self._prompts.get(so_far.hexdigest(), cached)
        if prompt_tokens > LEAST_CACHED:
            self._prompts[so_far.hexdigest()] = prompt_tokens
            while len(self._prompts) > REMEMBERED:
                self._prompts.popitem(last=False)
        return min(cached, prompt_tokens)

    def _estimate(self, request: HttpRequest) -> Response:
        body, model = self._asked(request)
        messages.check(body.get("messages"), model, thinking=False)
        rules.check_tools(body, model, thinking=False)
        return Response.json(200, {"data": {"total_tokens": count_prompt(body)}})


def _fits(body: dict[str, Any], model: Model, prompt_tokens: int) -> None:
    # sheet 6: "Input token length too long"
    if prompt_tokens > model.window:
        raise RequestRefused(errors.fixed("too_long"))
    # sheet 4a: max_completion_tokens: prompt + value > context
    requested = prompt_tokens + (_most(body) or 0)
    if requested > model.window:
        raise RequestRefused(errors.too_long(model.window, requested))


def _most(body: dict[str, Any]) -> int | None:
    most = body.get("max_completion_tokens")
    return most if most is not None else body.get("max_tokens")


def count_prompt(body: dict[str, Any]) -> int:
    """Return the tokens of the prompt: messages, images and tools."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_PICTURE * sum(part.get("type") != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in rules.offered(body))


def _prompt_of(body: dict[str, Any], thinking: bool) -> Prompt:
    response_format = body.get("response_format") or {}
    stop = body.get("stop")
    choice = body.get("tool_choice") or "auto"
    return Prompt(
        messages=body["messages"],
        tools=[_tool(tool) for tool in rules.offered(body)],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        thinks=thinking,
        json_mode=response_format.get("type") == "json_object",
        schema=response_format["json_schema"]["schema"] if response_format.get("type") == "json_schema" else None,
        stops=[stop] if isinstance(stop, str) else stop or [],
        most_in_all=_most(body),
    )


def _tool(tool: dict[str, Any]) -> Tool:
    function = tool["function"]
    return Tool(function["name"], function.get("parameters"), builtin=tool["type"] == "builtin_function")


# sheet 2: balance
_BALANCE = {
    "code": 0,
    "data": {"available_balance": 100.0, "voucher_balance": 0.0, "cash_balance": 100.0},
    "scode": "0x0",
    "status": True,
}
