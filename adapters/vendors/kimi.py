"""Kimi, of Moonshot AI: OpenAI's protocol, with fixed sampling on the K models and its own rules for thinking.

Sources: platform.kimi.com API reference, error reference and migration guide (copies of 2024 to 2026-10) and probes
of both hosts on 2026-09-01, as collected in docs/vendors/kimi.md. Families: ``v1`` is moonshot-v1, ``k2p`` the K2
previews, ``k`` K2.5 and newer. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.core.adaptations import VerdictWord
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import NOT_IN_API, OPENAI_CHAT, request_usage
from adapters.rules.failures import BY_MEANING
from adapters.rules.json_schema_dialect import rewrite
from adapters.rules.messages import EMPTY, EmptyContent, MessageRules, OmitWhenEmpty
from adapters.rules.reasons import SENT_AS_IS, sent_as
from adapters.rules.tools import Tools, check_tool_choice, forces_call, send_schema, send_tool_choice
from adapters.rules.verdicts import Choose, Clamp, Drop, Fixed, Honour, Refuse, Rename, Rewrite, by_fact, by_family

LONG_STOP = Message("the vendor accepts stop strings of at most 32 bytes; banjia applies longer ones")
NO_LEVELS = Message("the model has no effort levels, only thinking on or off")

MIN_TEMPERATURE = 0.3
"""The lowest temperature with which banjia requests several choices from moonshot-v1 and the K2 previews."""


def set_thinking(builder: RequestBuilder, on: bool) -> None:
    """Set ``thinking``; K2.5 and K2.6 think by default."""
    builder.body["thinking"] = {"type": "enabled" if on else "disabled"}


def excludes(builder: RequestBuilder) -> Message | None:
    """Return why the request can't run with thinking: a forced tool call (K3 accepts ``required``)."""
    choice = builder.request.fields.get("tool_choice")
    if forces_call(choice) and not (choice == "required" and builder.model.facts.get("required_thinking")):
        return Message("a tool call cannot be forced while the model thinks")
    return None


def tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Refuse a forced call while thinking: 400 "tool_choice 'required' is incompatible with thinking enabled"."""
    check_tool_choice(name, value, builder)
    if forces_call(value) and builder.model.family != "k":
        builder.refuse(
            name, Message("the model cannot be forced to call a tool: use auto, or map the name to a K model")
        )
    if builder.thinks and excludes(builder):
        builder.refuse(
            name, Message("a tool call cannot be forced while the model thinks: turn thinking off for this name")
        )
    send_tool_choice(name, value, builder)


def stop(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send up to five strings of at most 32 bytes each; the vendor omits the match from the answer."""
    texts = [value] if type(value) is str else value
    short = [text for text in texts if len(text.encode()) <= 32]
    if len(short) == len(texts):
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)
        return
    builder.emulate(name, "stop", value, LONG_STOP)
    if short:
        builder.body[name] = short


ONE_CHOICE = Message("the model returns one choice per call, so banjia makes one call per choice")
FIVE_CHOICES = Message("the model returns at most five choices per call, so banjia makes one call per choice")


def choices(name: str, value: int, builder: RequestBuilder) -> None:
    """K models return one choice, the others one to five."""
    limit = 1 if builder.model.family == "k" else 5
    if value > limit:
        builder.emulate(name, "n", value, ONE_CHOICE if limit == 1 else FIVE_CHOICES)
        return
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)


def effort(name: str, value: str, builder: RequestBuilder) -> None:
    """K3 has low, high and max; the others only thinking on or off, which resolve_thinking has already set."""
    if not builder.model.facts.get("effort"):
        word = "mapped" if builder.thinks != (value in ("none", "minimal")) else "dropped"
        builder.record(name, word, NO_LEVELS)  # type: ignore[arg-type]
        return
    low, high = ("none", "minimal", "low"), ("medium", "high")
    builder.body[name] = "low" if value in low else "high" if value in high else "max"
    builder.record(
        name,
        "honoured" if builder.body[name] == value else "mapped",
        sent_as(builder.body[name]),
    )


def response_format(name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
    """K2.5 and newer accept ``json_schema``, in the vendor's dialect of JSON Schema; older models only json_object."""
    if value["type"] == "json_schema" and builder.model.family != "k":
        builder.refuse(
            name,
            Message(
                "the model does not support json_schema, and banjia does not emulate it: map the name to a K model"
            ),
        )
    named = value.get("json_schema", {})
    if "schema" in named:
        schema = send_schema(f"{name}.json_schema.schema", named["schema"], rewrite, name, builder)
        value = {**value, "json_schema": {**named, "schema": schema}}
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)


def finish(builder: RequestBuilder) -> None:
    """Request usage in streams, and raise the temperature for several choices.

    The vendor answers 400 near temperature 0, which is moonshot-v1's default. The exact bound is not documented: other
    gateways send 0.3, which is accepted.
    """
    request_usage(builder)
    if builder.body.get("n", 1) == 1:
        return
    temperature = builder.body.get("temperature", 0 if builder.model.family == "v1" else 1)
    if temperature < MIN_TEMPERATURE:
        word: VerdictWord = "clamped" if "temperature" in builder.body else "mapped"
        builder.add("temperature", MIN_TEMPERATURE)
        builder.record(
            "temperature",
            word,
            Message("several choices require a higher temperature: {sent} is sent", sent=MIN_TEMPERATURE),
        )


def fixed(value: float, why: Message) -> Choose:
    """A sampling value that is fixed on K models: 400 "invalid temperature: only 1 is allowed for this model"."""
    return by_family({"k": Fixed(value, why)}, Honour())


PENALTY_FIXED = Message("the model's penalty is fixed")

PARAMS: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(
        image_urls=False,
        file_scheme="ms://",
        image_detail=False,
        empty=EmptyContent(
            beside_calls=OmitWhenEmpty.CONTENT,
            assistant=OmitWhenEmpty.MESSAGE,
            user=EMPTY,
            system=OmitWhenEmpty.MESSAGE,
        ),
        tool_ids="{name}:{n}",
        reasoning_beside_calls=True,
    ),
    "temperature": Choose(
        (
            (lambda d: d.model.family == "k" and d.thinks, Fixed(1, Message("the model's temperature is fixed"))),
            (lambda d: d.model.family == "k", Fixed(0.6, Message("the model's temperature is fixed"))),
        ),
        Clamp(0, 1, Message("the vendor accepts 0 to 1")),
    ),
    "top_p": fixed(0.95, Message("the model's top_p is fixed")),
    "presence_penalty": fixed(0, PENALTY_FIXED),
    "frequency_penalty": fixed(0, PENALTY_FIXED),
    "n": Rewrite(
        choices,
        Message("K models return one choice per call, so banjia makes one call per choice"),
        ("honoured", "emulated", "refused"),
    ),
    "stop": Rewrite(
        stop, Message("at most 32 bytes each; banjia applies longer ones"), ("honoured", "emulated", "refused")
    ),
    "max_tokens": Honour(),
    "max_completion_tokens": Honour(),
    "logprobs": by_family(
        {"k": Honour()}, Refuse(Message("the model returns no logprobs, which the client would rely on"))
    ),
    "top_logprobs": by_family(
        {"k": Honour()}, Refuse(Message("the model returns no logprobs, which the client would rely on"))
    ),
    "user": Rename("safety_identifier"),
    "safety_identifier": Honour(),
    "prompt_cache_key": Honour(),
    "prompt_cache_options": by_fact(
        "cache_options", Honour(), Drop(Message("the vendor manages its prompt cache itself"))
    ),
    "prediction": Honour(),
    "parallel_tool_calls": Drop(Message("the vendor has no such parameter: an answer may contain several tool calls")),
    "response_format": Rewrite(response_format, Message("json_schema from K2.5 on"), ("honoured", "mapped", "refused")),
    "tools": Tools(name=r"[a-zA-Z_][a-zA-Z0-9_-]{2,63}", types=("function", "builtin_function"), schema=rewrite),
    "tool_choice": Rewrite(
        tool_choice, Message("a forced tool call cannot be combined with thinking"), ("honoured", "refused")
    ),
    "reasoning_effort": Rewrite(
        effort, Message("effort levels on K3, otherwise thinking on or off"), ("honoured", "mapped", "dropped")
    ),
    "seed": Drop(NOT_IN_API),
}

FAILURES = (
    FailureRule("inspection", type="content_filter"),
    FailureRule("inspection", text="high risk"),
    FailureRule("context", text="exceeded model token limit"),
    FailureRule("context", text="token length too long"),
    FailureRule("no_funds", type="exceeded_current_quota_error"),
    FailureRule("overloaded", type="engine_overloaded_error"),
    # "… request reached max organization RPM: 3, please try again after 1 seconds" (measured, 2026-09).
    FailureRule("rate_limited", type="rate_limit_reached_error", text="TPD", limit="day"),
    FailureRule("rate_limited", type="rate_limit_reached_error", text="RPD", limit="day"),
    FailureRule(
        "rate_limited",
        type="rate_limit_reached_error",
        text="RPM",
        limit="requests_per_minute",
        figure=r"RPM: (\d{1,9})",
    ),
    FailureRule(
        "rate_limited",
        type="rate_limit_reached_error",
        text="concurrency",
        limit="concurrency",
        figure=r"concurrency: (\d{1,9})",
    ),
    FailureRule("rate_limited", type="rate_limit_reached_error", text="TPM", limit="tokens_per_minute"),
    FailureRule("rate_limited", type="rate_limit_reached_error"),
    FailureRule("key_refused", type="invalid_authentication_error"),
    FailureRule("key_refused", type="incorrect_api_key_error"),
    FailureRule("model_not_found", type="resource_not_found_error"),
    *BY_MEANING,
    FailureRule("forbidden", type="permission_denied_error"),
    FailureRule("bad_request", type="invalid_request_error", status=400),
    FailureRule("bad_request", type="invalid_request_error", status=200),
)

KIMI = Vendor(
    name="kimi",
    rank=20,
    title="Kimi",
    docs="https://platform.kimi.com/docs",
    base_urls={"cn": "https://api.moonshot.cn/v1", "intl": "https://api.moonshot.ai/v1"},
    auth=Bearer(),
    key_names=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
    reasoning_switch=ReasoningSwitch(set_thinking, excludes),
    redacted=r"org-[\w-]+(<ak-[\w-]+>)?",
    operations={
        "chat": Op(
            path="/chat/completions",
            codec=openai_chat,
            params=PARAMS,
            failures=FAILURES,
            own_tool_ids=True,
            finish=finish,
        )
    },
)
