"""The emulator of DeepSeek: written from the vendor's fact sheet, whose sections the comments name.

`BANJIA_EMULATOR_RETIRED=1` in the environment also serves deepseek-chat and deepseek-reasoner as in late 2025 (V3.2);
`BANJIA_EMULATOR_RETIRED=2025` as in early 2025 (V3 and R1), when a body that does not fit the schema got 422.
The endpoints /responses, /files, /anthropic and /v1/tools are not emulated.
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
from emulators.deepseek import deserialize, errors, fim, messages, rules
from emulators.deepseek.answer import ChatCompletion, DeepSeekCompletion, request_headers
from emulators.deepseek.deserialize import BodyMismatch
from emulators.deepseek.models import EARLY, R1_MOST_REASONING, Model, default_max_tokens, listing, served, thinks

MADE_UP_KEY = "sk-emulated-deepseek-0000000000000001"
TOKENS_PER_MESSAGE = 4
TOKENS_PER_FILE = 256
LEAST_CACHED = 64
"""Prompt tokens that an earlier request must exceed for its prefix to be cached; the sheet is silent about it."""
REMEMBERED = 1000
"""The most prompts whose prefixes are cached."""
WINDOW_OF_FAULTS = 1_048_576
"""The context window that the fault `context` names if the model is unknown."""
FAILURES = ("insufficient_system_resource", "aborted")
"""Finish reasons of answers that the servers could not complete (sheet 5)."""


class DeepSeek:
    """The vendor, with one key, a list of models, a cache of prefixes."""

    name = "deepseek"
    # sheet 1: the base URL has no path; /v1 and /beta are served as well
    prefix = ""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("DEEPSEEK_API_KEY") or MADE_UP_KEY
        retired = environ.get("BANJIA_EMULATOR_RETIRED", "")
        self._models = served(retired)
        # sheet 6: 422 until spring 2025, 400 in 2026
        self._mismatch_status = 422 if retired == EARLY else 400
        self._numbers = itertools.count(1)
        self._prompts: OrderedDict[str, int] = OrderedDict()

    def environment(self, base_url: str) -> dict[str, str]:
        return {"DEEPSEEK_API_KEY": self._key, "DEEPSEEK_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        number = next(self._numbers)
        try:
            reply = self._answer(request, number)
        except RequestRefused as refused:
            reply = refused.reply
        except BodyMismatch as mismatch:
            reply = self._mismatched(request, mismatch)
        except BadSchema:
            reply = errors.invalid("Invalid schema of a function").reply
        if isinstance(reply, Response):
            reply.headers += request_headers(number)
        return reply

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        if name == "rate_limit":
            reply = errors.rate_limit(value)
        elif name == "bad_key":
            reply = errors.wrong_key(request.headers.get("authorization", "")).reply
        elif name == "context":
            asked = request.json.get("model") if isinstance(request.json, dict) else None
            model = self._models.get(asked) if isinstance(asked, str) else None
            window = model.window if model else WINDOW_OF_FAULTS
            reply = errors.too_long(window, window + 3_215)
        else:
            reply = errors.fixed(name)
        reply.headers += request_headers(next(self._numbers))
        return reply

    def _mismatched(self, request: HttpRequest, mismatch: BodyMismatch) -> Response:
        # sheet 6: the text ends with a position; here it is always the body's end
        lines = request.body.split(b"\n")
        where = f" at line {len(lines)} column {len(lines[-1])}"
        return errors.error(self._mismatch_status, f"{deserialize.PREFIX}{mismatch.detail}{where}")

    def _answer(self, request: HttpRequest, number: int) -> Response | ModelResponse:
        self._authenticate(request)
        match request.method, *_split(request.path):
            case "POST", _, "/chat/completions":
                return self._chat(request, number, beta=request.path.startswith("/beta/"))
            case "POST", "/beta", "/completions":
                return self._fim(request, number)
            # sheet 2; the sheet is silent about these two under /beta
            case "GET", "" | "/v1", "/models":
                return Response.json(200, listing(self._models))
            case "GET", "" | "/v1", "/user/balance":
                return Response.json(200, _BALANCE)
        # sheet 6: 404 unknown path; the text is invented. Sheet 2: embeddings, images, … "none -> 404"
        return errors.error(404, f"Not found: {request.method} {request.path}")

    def _authenticate(self, request: HttpRequest) -> None:
        # sheet 1: Bearer, no other scheme; sheet 6: the two 401s
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise errors.no_key()
        if key != self._key:
            raise errors.wrong_key(key)

    def _model(self, body: dict[str, Any]) -> Model:
        model = self._models.get(body["model"])
        if model is None:
            raise RequestRefused(errors.fixed("model_missing"))
        return model

    def _chat(self, request: HttpRequest, number: int, *, beta: bool) -> ChatCompletion:
        body = _body(request)
        messages.check_types(deserialize.required("", body, "messages"))
        rules.check_types(body)
        model = self._model(body)
        thinking = thinks(model, body)
        messages.check(body["messages"], model, thinking=thinking, beta=beta)
        rules.check(body, model, thinking=thinking)
        rules.check_strict(body, beta=beta)
        prompt_tokens = count_prompt(body)
        _fits(prompt_tokens, model)
        return ChatCompletion(
            complete(_prompt_of(body, model, thinking)),
            body,
            model,
            thinks=thinking,
            number=number,
            prompt=prompt_tokens,
            cached=self._cached(body, prompt_tokens),
            gap_s=parse_directives(body["messages"]).gap_s,
            reviewed=rules.is_reviewed(body),
        )

    def _fim(self, request: HttpRequest, number: int) -> DeepSeekCompletion:
        body = _body(request)
        fim.check_types(body)
        model = self._model(body)
        fim.check(body)
        prompt_tokens = fim.count_prompt(body)
        _fits(prompt_tokens, model)
        gap_s = parse_directives([{"role": "user", "content": body["prompt"]}]).gap_s
        return fim.FimCompletion(
            fim.completed(body), body, model, number=number, prompt=prompt_tokens, cached=0, gap_s=gap_s
        )

    def _cached(self, body: dict[str, Any], prompt_tokens: int) -> int:
        """Return the prompt tokens shared with an earlier request, and remember this request.

        Sheet 4b: user_id separates the cache.
        """
        owner = f"{body['model']} {body.get('user_id') or ''}"
        cached, so_far = 0, hashlib.sha256(owner.encode())
        for message in body["messages"]:
            so_far.update(orjson.dumps(message))
            cached = self._prompts.get(so_far.hexdigest(), cached)
        if prompt_tokens > LEAST_CACHED:
            self._prompts[so_far.hexdigest()] = prompt_tokens
            while len(self._prompts) > REMEMBERED:
                self._prompts.popitem(last=False)
        return min(cached, prompt_tokens)


def _split(path: str) -> tuple[str, str]:
    """Return the base and the rest of a path (sheet 1: base URL, beta base)."""
    for base in ("/v1", "/beta"):
        if path.startswith(f"{base}/"):
            return base, path.removeprefix(base)
    return "", path


def _body(request: HttpRequest) -> dict[str, Any]:
    body = request.json
    if body is None:
        # sheet 6: 400 bad format; the text is invented
        raise errors.invalid("Failed to parse the request body as JSON")
    if not isinstance(body, dict):
        raise deserialize.wrong_type("", body, "a map")
    deserialize.required_text("", body, "model")
    return body


def _fits(prompt_tokens: int, model: Model) -> None:
    # sheet 6: 400 "maximum context length"; whether max_tokens counts is not in the sheet: it does not
    if prompt_tokens > model.window:
        raise RequestRefused(errors.too_long(model.window, prompt_tokens))


def count_prompt(body: dict[str, Any]) -> int:
    """Return the tokens of the prompt: messages, images, files and tools. The text of reasoning is not counted."""
    total = 0
    for message in body["messages"]:
        content = message.get("content")
        total += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        total += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        if isinstance(content, list):
            total += TOKENS_PER_FILE * sum(part["type"] != "text" for part in content)
    return total + sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])


def _prompt_of(body: dict[str, Any], model: Model, thinking: bool) -> Prompt:
    stop = body.get("stop")
    choice = body.get("tool_choice") or "auto"
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    most = body.get("max_tokens") or default_max_tokens(model, body, thinking=thinking)
    is_r1 = model.generation == "R1"
    return Prompt(
        messages=[_with_partial(message) for message in body["messages"]],
        # sheet 4b: the vendor's tools run on the server, and the form of their blocks is not in the sheet: none is called
        tools=[Tool(function["name"], function.get("parameters")) for function in functions],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        thinks=thinking,
        json_mode=(body.get("response_format") or {}).get("type") == "json_object",
        stops=[stop] if isinstance(stop, str) else stop or [],
        # sheet 5: finish_reason content_filter; that a review ends an answer so is confidence L (sheet 9)
        moderates=True,
        failures=FAILURES,
        # sheet 4a: max_tokens counts reasoning; not for R1 (sheet 3: 8K + 32K)
        most_answer=most if is_r1 else None,
        most_reasoning=R1_MOST_REASONING if is_r1 else None,
        most_in_all=None if is_r1 else most,
    )


def _with_partial(message: dict[str, Any]) -> dict[str, Any]:
    """Return the message with the mark of a prefix that the scripted model knows (sheet 4b: prefix completion)."""
    return {**message, "partial": True} if message.get("prefix") else message


# sheet 2: balance
_BALANCE = {
    "is_available": True,
    "balance_infos": [
        {"currency": "CNY", "total_balance": "110.00", "granted_balance": "10.00", "topped_up_balance": "100.00"}
    ],
}
