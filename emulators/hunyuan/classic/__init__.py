"""The classic edition: `api.hunyuan.cloud.tencent.com/v1`, from late 2024 to 2026."""

from typing import Any

from emulators.core.http import HttpRequest
from emulators.core.responses import Response
from emulators.core.scripted_model import Prompt, complete, parse_directives
from emulators.hunyuan import embeddings
from emulators.hunyuan.classic import errors, messages, rules
from emulators.hunyuan.classic.answer import Completion
from emulators.hunyuan.classic.models import DIMENSIONS, EMBEDDER, MODELS, MOST_EMBEDDED, MOST_TEXTS, Model, thinks
from emulators.hunyuan.edition import Body, Edition, count_prompt, stops_of
from emulators.hunyuan.refusal import Refusal
from emulators.hunyuan.tools import as_offered


class Classic(Edition):
    """One key and a fixed list of models."""

    def refused(self, refusal: Refusal, number: int) -> Response:
        return errors.reply(refusal, number)

    def _invalid(self, message: str) -> Refusal:
        return errors.invalid(message)

    def _fault(self, name: str, requested: Any, wait_s: float | None) -> Refusal:
        return errors.missing_model(requested) if name == "model_missing" else errors.fixed(name, wait_s)

    def _authenticate(self, request: HttpRequest) -> None:
        # sheet 1: Authorization: Bearer sk-…; 6.2: 401
        if request.headers.get("authorization", "").split() != ["Bearer", self.key]:
            raise errors.fixed("bad_key")

    def _answer(self, request: HttpRequest, path: str, number: int) -> Completion | Body:
        match request.method, path:
            case "POST", "/chat/completions":
                return _chat(self._body(request), number)
            case "POST", "/embeddings":
                return _embed(self._body(request))
        # sheet 2: /models: "conflicting reports" (L): none here; /files is not served
        raise errors.missing_path(request.method, request.path)


def _chat(body: Body, number: int) -> Completion:
    model = MODELS.get(body["model"])
    if model is None:
        raise errors.missing_model(body["model"])
    messages.check(body.get("messages"), model)
    rules.check(body, model)
    # sheet 4.1: too long: silently cut from the front
    prompt = min(count_prompt(body), model.most_in)
    completion = complete(_prompt_of(body, model))
    return Completion(completion, body, number=number, prompt=prompt, gap_s=parse_directives(body["messages"]).gap_s)


def _embed(body: Body) -> Body:
    # sheet 2: model hunyuan-embedding, input
    if body["model"] != EMBEDDER:
        raise errors.missing_model(body["model"])
    texts = embeddings.texts_of(body, errors.invalid)
    # sheet 3.3: InputList up to 50
    if len(texts) > MOST_TEXTS:
        raise errors.invalid(f"input has at most {MOST_TEXTS} texts")
    # sheet 3.3: 1024 fixed
    if body.get("dimensions") not in (None, DIMENSIONS):
        raise errors.invalid(f"dimensions must be {DIMENSIONS}")
    return embeddings.listed(EMBEDDER, texts, DIMENSIONS, MOST_EMBEDDED)


def _prompt_of(body: Body, model: Model) -> Prompt:
    choice = body.get("tool_choice") or "auto"
    return Prompt(
        messages=body["messages"],
        tools=[as_offered(tool) for tool in body.get("tools") or []],
        choice=f"={body['custom_tool']['function']['name']}" if choice == "custom" else choice,
        thinks=thinks(model, body),
        stops=stops_of(body),
        # sheet 4.3: stop as native: the stop text is part of the output
        keeps_stop=True,
        # sheet 5.2: finish_reason sensitive
        moderates=True,
        # sheet 4.3: max_tokens is accepted (L); whether it counts thinking is not stated: it does
        most_in_all=body.get("max_tokens"),
    )
