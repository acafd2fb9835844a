"""Kimi, of Moonshot AI: OpenAI's protocol, with fixed sampling on the K models and its own rules for thinking.

Sources: platform.kimi.com API reference, error reference and migration guide (copies of 2024 to 2026-10) and probes
of both hosts on 2026-09-01, as collected in docs/vendors/kimi.md. Families: ``v1`` is moonshot-v1, ``k2p`` the K2
previews, ``k`` K2.5 and newer. Checked against the live service: never.
"""

from collections.abc import Mapping
from functools import partial

from adapters.codecs.openai.chat import openai_chat
from adapters.core.adaptations import VerdictWord
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import EarlierReasoning, Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import NO_LOGPROBS, NOT_IN_API, OPENAI_CHAT
from adapters.rules.efforts import Efforts
from adapters.rules.failures import BY_MEANING
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import EMPTY, NO_DETAILS, EmptyContent, MessageRules, OmitWhenEmpty
from adapters.rules.parameters import Choices, Stops, utf8_size
from adapters.rules.tool_choice import ToolChoice, forced_call
from adapters.rules.tools import Tools
from adapters.rules.verdicts import (
    Choose,
    Clamp,
    Drop,
    Fixed,
    Honour,
    Rename,
    always,
    by_fact,
    by_family,
    of_family,
)
from adapters.vendors.kimi.json_schema import rewrite

MIN_TEMPERATURE = 0.3
"""The lowest temperature with which banjia requests several choices from moonshot-v1 and the K2 previews."""

K = of_family("k")


def raise_temperature(builder: RequestBuilder) -> None:
    """Raise the temperature for several choices.

    The vendor answers 400 near temperature 0, which is moonshot-v1's default. The exact bound is not documented: other
    gateways send 0.3, which is accepted.
    """
    if builder.body["n"] == 1:
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


TEMPERATURE_FIXED = Message("the model's temperature is fixed")
PENALTY = by_family({"k": Fixed(0, Message("the model's penalty is fixed"))}, Honour())
TOKEN_LIMIT = Honour(
    Message("sent unchanged; a small limit is raised for models that always think"), ("honoured", "clamped", "mapped")
)
LOGPROBS = by_family({"k": Honour()}, NO_LOGPROBS)

PARAMS: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(
        image_urls=False,
        file_scheme="ms://",
        image_details=NO_DETAILS,
        empty=EmptyContent(
            beside_calls=OmitWhenEmpty.CONTENT,
            assistant=OmitWhenEmpty.MESSAGE,
            user=EMPTY,
            system=OmitWhenEmpty.MESSAGE,
        ),
        tool_ids="{name}:{n}",
    ),
    # 400 "invalid temperature: only 1 is allowed for this model"
    "temperature": Choose(
        (
            (lambda builder: K(builder) and builder.thinks, Fixed(1, TEMPERATURE_FIXED)),
            (K, Fixed(0.6, TEMPERATURE_FIXED)),
        ),
        Clamp(0, 1, Message("the vendor accepts 0 to 1")),
    ),
    "top_p": by_family({"k": Fixed(0.95, Message("the model's top_p is fixed"))}, Honour()),
    "presence_penalty": PENALTY,
    "frequency_penalty": PENALTY,
    "n": Choices(lambda builder: 1 if K(builder) else 5),
    "stop": Stops(longest=32, size=utf8_size),
    "max_tokens": TOKEN_LIMIT,
    "max_completion_tokens": TOKEN_LIMIT,
    "logprobs": LOGPROBS,
    "top_logprobs": LOGPROBS,
    "user": Rename("safety_identifier"),
    "safety_identifier": Honour(),
    "prompt_cache_key": Honour(),
    "prompt_cache_options": by_fact(
        "cache_options", Honour(), Drop(Message("the vendor manages its prompt cache itself"))
    ),
    "prediction": Honour(),
    "response_format": JsonMode(json=always, schema=K, dialect=rewrite),
    "tools": Tools(name=r"[a-zA-Z_][a-zA-Z0-9_-]{2,63}", types=("function", "builtin_function"), schema=rewrite),
    # 400 "tool_choice 'required' is incompatible with thinking enabled"
    "tool_choice": ToolChoice("unforced", required_thinking="required_thinking", forces=K),
    "reasoning_effort": Efforts(
        {"low": ("none", "minimal", "low"), "high": ("medium", "high"), "max": ("xhigh", "max")}
    ),
    "seed": Drop(NOT_IN_API),
}

RATE_LIMIT = partial(FailureRule, "rate_limited", type="rate_limit_reached_error")

FAILURES = (
    FailureRule("inspection", type="content_filter"),
    FailureRule("inspection", text="high risk"),
    FailureRule("context", text="exceeded model token limit"),
    FailureRule("context", text="token length too long"),
    FailureRule("no_funds", type="exceeded_current_quota_error"),
    FailureRule("overloaded", type="engine_overloaded_error"),
    # "… request reached max organization RPM: 3, please try again after 1 seconds" (measured, 2026-09).
    RATE_LIMIT(text="TPD", limit="day"),
    RATE_LIMIT(text="RPD", limit="day"),
    RATE_LIMIT(text="RPM", limit="requests_per_minute", figure=r"RPM: (\d{1,9})"),
    RATE_LIMIT(text="concurrency", limit="concurrency", figure=r"concurrency: (\d{1,9})"),
    RATE_LIMIT(text="TPM", limit="tokens_per_minute"),
    RATE_LIMIT(),
    FailureRule("key_refused", type="invalid_authentication_error"),
    FailureRule("key_refused", type="incorrect_api_key_error"),
    FailureRule("model_not_found", type="resource_not_found_error"),
    *BY_MEANING,
    FailureRule("forbidden", type="permission_denied_error"),
    FailureRule("bad_request", type="invalid_request_error", status=frozenset({200, 400})),
)

KIMI = Vendor(
    name="kimi",
    rank=20,
    example="kimi-k2.6",
    title="Kimi",
    docs="https://platform.kimi.com/docs",
    base_urls={"cn": "https://api.moonshot.cn/v1", "intl": "https://api.moonshot.ai/v1"},
    auth=Bearer(),
    key_names=("MOONSHOT_API_KEY", "KIMI_API_KEY"),
    reasoning_switch=ReasoningSwitch.thinking_type(excludes={"tool_choice": forced_call(required="required_thinking")}),
    redacted=r"org-[\w-]+(<ak-[\w-]+>)?",
    operations={
        "chat": Op(
            path="/chat/completions",
            codec=openai_chat,
            params=PARAMS,
            failures=FAILURES,
            own_tool_ids=True,
            finish={"n": raise_temperature},
            # 400 "thinking is enabled but reasoning_content is missing in assistant tool call message at index 1"
            earlier_reasoning=EarlierReasoning(blank=" "),
        )
    },
)
