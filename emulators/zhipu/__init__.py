"""The emulator of Zhipu AI (GLM): written from the vendor's fact sheet, whose sections the comments name.

`BANJIA_EMULATOR_RETIRED=1` in the environment also serves the retired models. The chat of the coding plan is served at
its path. The asynchronous endpoints, images, audio, files, batches, moderations, rerank and agents are not emulated.
"""

import hashlib
import itertools
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.limits import AT_ONCE_WAIT_S
from emulators.core.responses import ModelResponse, Response
from emulators.core.schemas import BadSchema
from emulators.core.scripted_model import Prompt, Tool, complete, parse_directives, text_of
from emulators.zhipu import auth, embeddings, errors, messages, rules, tools
from emulators.zhipu.answer import ChatCompletion, answer_id
from emulators.zhipu.errors import Refusal, fixed
from emulators.zhipu.models import COUNTED, EMBEDDERS, MODELS, Model, listing, thinks

MADE_UP_KEY = "e0000000000000000000000000000000.emulated00000001"
BASE = "/api/paas/v4"
PLAN = "/api/coding/paas/v4"
"""The base of the coding plan's chat (sheet 1)."""
TOKENS_PER_MESSAGE = 4
TOKENS_PER_PICTURE = 256
"""Also those of a file."""
TOKENS_PER_VIDEO = 1024
LEAST_CACHED = 64
"""Prompt tokens that an earlier request must exceed for its prefix to be cached; the sheet is silent about it."""
REMEMBERED = 1000
"""The most prompts whose prefixes are cached, and the most request ids that are known."""
FAILURES = ("network_error", "model_context_window_exceeded")
"""Finish reasons of answers that the servers could not complete (sheet 5)."""


class Zhipu:
    """The vendor, with one key, a list of models, a cache of prefixes, and the request ids that were used."""

    name = "zhipu"
    prefix = BASE

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._key = environ.get("ZHIPUAI_API_KEY") or environ.get("ZAI_API_KEY") or MADE_UP_KEY
        retired = environ.get("BANJIA_EMULATOR_RETIRED") == "1"
        self._models = {name: model for name, model in MODELS.items() if retired or not model.retired}
        self._numbers = itertools.count(1)
        self._prompts: OrderedDict[str, int] = OrderedDict()
        self._request_ids: OrderedDict[str, None] = OrderedDict()

    def environment(self, base_url: str) -> dict[str, str]:
        return {"ZHIPUAI_API_KEY": self._key, "ZHIPUAI_BASE_URL": base_url}

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        try:
            reply = self._answer(request, next(self._numbers))
        except Refusal as refusal:
            return _refused(refusal, request)
        except BadSchema:
            return _refused(errors.illegal("tools"), request)
        return reply if isinstance(reply, ModelResponse) else Response.json(200, reply, [errors.JSON])

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        if name != "rate_limit":
            return _refused(fixed(name), request)
        wait_s = -1 if value is None else value
        # sheet 6: 1302 is for concurrency, 1303 for frequency
        reply = _refused(fixed("frequency" if wait_s > AT_ONCE_WAIT_S else "concurrency"), request)
        # sheet 6: no rate-limit headers are known: the header is sent only if the fault has a wait
        if wait_s >= 0:
            reply.headers.append(("retry-after", f"{wait_s:g}"))
        return reply

    def _answer(self, request: HttpRequest, number: int) -> ModelResponse | dict[str, Any]:
        auth.check(request.headers.get("authorization", ""), self._key, time.time() * 1000)
        base, path = _split(request.path)
        match request.method, path:
            case "POST", "/chat/completions" if base:
                return self._chat(_body(request), number, plan=base == PLAN)
            case "POST", "/embeddings" if base == BASE:
                return self._embed(_body(request))
            case "POST", "/tokenizer" if base == BASE:
                return self._count(_body(request), number)
            # the coding plan has the list, too
            case "GET", "/models" if base:
                return listing()
        raise errors.no_path(request.path)

    def _model(self, body: dict[str, Any]) -> Model:
        model = self._models.get(body["model"])
        if model is None:
            # sheet 6: 1212 for a model without this call, 1211 for an unknown one
            raise errors.unsupported_call("SYNC") if body["model"] in EMBEDDERS else fixed("model_missing")
        return model

    def _chat(self, body: dict[str, Any], number: int, *, plan: bool) -> ChatCompletion:
        model = self._model(body)
        messages.check(body.get("messages"), model)
        rules.check(body, model, plan=plan)
        used = count_prompt(body).total
        left = model.window - used
        # sheet 6: 1261
        if left < 0:
            raise fixed("context")
        self._remember(body)
        # the sheet is silent about the default of max_tokens: it is the cap
        most = body.get("max_tokens") or model.most_out
        return ChatCompletion(
            complete(_prompt_of(body, model, min(most, left))),
            body,
            model,
            number=number,
            prompt=used,
            cached=self._cached(body, used),
            gap_s=parse_directives(body["messages"]).gap_s,
            in_window=left < most,
        )

    def _embed(self, body: dict[str, Any]) -> dict[str, Any]:
        embedder = EMBEDDERS.get(body["model"])
        if embedder is None:
            raise errors.unsupported_call("EMBEDDING") if body["model"] in self._models else fixed("model_missing")
        rules.check_id(body, "request_id")
        reply = embeddings.answer(body, embedder)
        self._remember(body)
        return reply

    def _count(self, body: dict[str, Any], number: int) -> dict[str, Any]:
        # sheet 2: token count
        if body["model"] not in COUNTED:
            raise fixed("model_missing")
        model = self._model(body)
        messages.check(body.get("messages"), model)
        tools.check(body.get("tools"), model)
        rules.check_id(body, "request_id")
        self._remember(body)
        count = count_prompt(body)
        return {
            "id": answer_id(number),
            "created": int(time.time()),
            "request_id": body.get("request_id") or answer_id(number),
            "usage": {
                "prompt_tokens": count.text,
                "image_tokens": count.image,
                "video_tokens": count.video,
                "total_tokens": count.total,
            },
        }

    def _remember(self, body: dict[str, Any]) -> None:
        """Remember the request's id. Sheet 4b: a duplicate is refused."""
        request_id = body.get("request_id")
        if request_id is None:
            return
        if request_id in self._request_ids:
            raise errors.repeated(request_id)
        self._request_ids[request_id] = None
        if len(self._request_ids) > REMEMBERED:
            self._request_ids.popitem(last=False)

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


def _split(path: str) -> tuple[str, str]:
    """Return the base, empty if it is unknown, and the rest of a path."""
    for base in (BASE, PLAN):
        if path.startswith(f"{base}/"):
            return base, path.removeprefix(base)
    return "", path


def _refused(refusal: Refusal, request: HttpRequest) -> Response:
    # sheet 1: Accept-Language; the China host's default is Chinese
    return refusal.response(in_english=request.headers.get("accept-language", "").lower().startswith("en"))


def _body(request: HttpRequest) -> dict[str, Any]:
    body = request.json
    if not isinstance(body, dict):
        raise fixed("call")
    if body.get("model") is None:
        raise errors.not_received("model")
    if not isinstance(body["model"], str):
        raise errors.illegal("model")
    return body


@dataclass(frozen=True, slots=True)
class PromptTokens:
    """The tokens of a prompt; the sheet does not state whether the first kind includes the others in `/tokenizer`."""

    text: int
    image: int
    video: int

    @property
    def total(self) -> int:
        return self.text + self.image + self.video


def count_prompt(body: dict[str, Any]) -> PromptTokens:
    """Return the tokens of the prompt: messages, media and tools. The text of earlier reasoning is not counted."""
    text = sum(tokens.count(orjson.dumps(tool).decode()) for tool in body.get("tools") or [])
    kinds: list[str] = []
    for message in body["messages"]:
        content = message.get("content")
        text += TOKENS_PER_MESSAGE + tokens.count(text_of(content))
        text += sum(tokens.count(orjson.dumps(call).decode()) for call in message.get("tool_calls") or [])
        kinds += [part["type"] for part in content] if isinstance(content, list) else []
    pictures = kinds.count("image_url") + kinds.count("file_url")
    return PromptTokens(text, TOKENS_PER_PICTURE * pictures, TOKENS_PER_VIDEO * kinds.count("video_url"))


def _prompt_of(body: dict[str, Any], model: Model, most: int) -> Prompt:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool["type"] == "function"]
    return Prompt(
        messages=body["messages"],
        # sheet 4b: the vendor's tools run on the server: none is called
        tools=[Tool(function["name"], function["parameters"]) for function in functions],
        # the vendor's questions and answers: one call at a time; later models call several
        parallel=not model.is_early,
        thinks=thinks(model, body),
        # sheet 4a: json_schema is ignored
        json_mode=(body.get("response_format") or {}).get("type") == "json_object",
        stops=body.get("stop") or [],
        # sheet 5: finish_reason sensitive
        moderates=True,
        failures=FAILURES,
        most_in_all=most,
    )
