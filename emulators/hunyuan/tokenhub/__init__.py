"""TokenHub, the current edition. Its routes for responses, Anthropic's messages and images are not served."""

from collections.abc import Iterator
from typing import Any

from emulators.core import tokens
from emulators.core.http import HttpRequest
from emulators.core.responses import Response
from emulators.core.scripted_model import Prompt, complete, parse_directives
from emulators.hunyuan import embeddings
from emulators.hunyuan.edition import Body, Edition, count_prompt, stops_of
from emulators.hunyuan.refusal import Refusal
from emulators.hunyuan.tokenhub import errors, rules
from emulators.hunyuan.tokenhub.answer import Completion
from emulators.hunyuan.tokenhub.models import (
    EMBEDDERS,
    MODELS,
    MOST_EMBEDDED,
    MOST_TEXTS,
    MULTIMODAL_EMBEDDERS,
    Model,
    listing,
    thinks,
)
from emulators.hunyuan.tools import as_offered

SOME_WINDOW = 192 * 1024
"""The token limit in the error of the fault `context` when the model is unknown."""


class TokenHub(Edition):
    """One key and a list of models; `retired` serves those that TokenHub no longer sells."""

    def __init__(self, key: str, numbers: Iterator[int], *, retired: bool) -> None:
        super().__init__(key, numbers)
        self._models = {name: model for name, model in MODELS.items() if retired or not model.retired}

    def refused(self, refusal: Refusal, number: int) -> Response:
        return errors.reply(refusal, number)

    def _invalid(self, message: str) -> Refusal:
        return errors.invalid(message)

    def _fault(self, name: str, requested: Any, wait_s: float | None) -> Refusal:
        if name == "model_missing":
            return errors.missing_model(requested)
        if name == "context":
            model = self._models.get(requested) if isinstance(requested, str) else None
            return errors.too_long(model.most_in if model else SOME_WINDOW)
        return errors.fixed(name, wait_s)

    def _authenticate(self, request: HttpRequest) -> None:
        # sheet 1: Bearer, "keys are per site, not interchangeable"; 6.3: 401
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise errors.fixed("no_key")
        if key.strip() != self.key:
            raise errors.fixed("bad_key")

    def _answer(self, request: HttpRequest, path: str, number: int) -> Completion | Body:
        match request.method, path:
            case "POST", "/chat/completions":
                return self._chat(self._body(request), number)
            case "POST", "/embeddings":
                return self._embed(self._body(request))
            case "GET", "/models":
                return {"object": "list", "data": list(listing(self._models))}
        # sheet 2: /completions: none; /models/ID is not documented
        raise errors.missing_path(request.method, request.path)

    def _chat(self, body: Body, number: int) -> Completion:
        model = self._model(body["model"])
        rules.check(body, model)
        prompt = count_prompt(body)
        # sheet 6.3: 400003; 3.2: in, and in + out within the context
        if prompt > model.most_in or prompt + (body.get("max_tokens") or 0) > model.window:
            raise errors.too_long(model.most_in)
        completion = complete(_prompt_of(body, model))
        return Completion(
            completion, body, number=number, prompt=prompt, gap_s=parse_directives(body["messages"]).gap_s
        )

    def _model(self, name: str) -> Model:
        model = self._models.get(name)
        if model is not None:
            return model
        if name in EMBEDDERS or name in MULTIMODAL_EMBEDDERS:
            raise errors.unsupported(f"model {name} does not chat")
        raise errors.missing_model(name)

    def _embed(self, body: Body) -> Body:
        name = body["model"]
        width = EMBEDDERS.get(name)
        if width is None:
            # sheet 3.3: kinfra-vl: multimodal route
            if name in MULTIMODAL_EMBEDDERS or name in self._models:
                raise errors.unsupported(f"model {name} does not embed text")
            raise errors.missing_model(name)
        texts = embeddings.texts_of(body, errors.invalid)
        if len(texts) > MOST_TEXTS:
            raise errors.invalid(f"input has at most {MOST_TEXTS} texts")
        # sheet 3.3: `dimensions` -> 400 (400001), whatever its value
        if body.get("dimensions") is not None:
            raise errors.invalid("dimensions is not supported")
        # sheet 3.3: 32K context; 6.3: 400003
        if any(tokens.count(text) > MOST_EMBEDDED for text in texts):
            raise errors.too_long(MOST_EMBEDDED)
        return embeddings.listed(name, texts, width, MOST_EMBEDDED)


def _prompt_of(body: Body, model: Model) -> Prompt:
    response_format = body.get("response_format") or {}
    choice = body.get("tool_choice") or "auto"
    return Prompt(
        messages=body["messages"],
        tools=[as_offered(tool) for tool in body.get("tools") or []],
        choice=choice if isinstance(choice, str) else f"={choice['function']['name']}",
        thinks=thinks(model, body),
        json_mode=response_format.get("type") == "json_object",
        schema=response_format["json_schema"]["schema"] if response_format.get("type") == "json_schema" else None,
        # sheet 4.3: stop is not included
        stops=stops_of(body),
        moderates=True,
        # sheet 4.3: max_tokens is shared with thinking tokens
        most_in_all=body.get("max_tokens"),
    )
