"""Doubao, of ByteDance (Volcengine Ark): OpenAI's chat API for Doubao and other makers' models, by model id or endpoint.

Sources: Volcengine's pages on chat (82379/1494384), thinking (1449737), embeddings (1521766), errors (1299023) and models
(1330310), copies of 2025-12; pages of 2024 to 2026 on the same API at BytePlus; the vendor's SDK (volcengine-python-sdk,
2026-07); live reports of 2026, as collected in docs/vendors/doubao.md. The features of each model are in its catalog row.
Checked against the live service: never.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import FIRST_CALL_ONLY, NO_LOGPROBS, NO_TOOLS, OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.efforts import Efforts
from adapters.rules.embeddings import SIZES
from adapters.rules.failures import BY_MEANING, by_code
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import EMPTY, EmptyContent, MessageDict, MessageRules, OmitWhenEmpty, call_ids
from adapters.rules.parameters import OTHER, SMALLER_LIMIT, Stops
from adapters.rules.reasons import DEFAULT_OMITTED, SENT_AS_IS, sent_as
from adapters.rules.tool_choice import NEVER_FORCED, ToolChoice, ask_for_call, check_tool_choice, forces_call
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Choose, Clamp, Drop, Honour, Rename, Rewrite, by_fact, by_family, has
from adapters.vendors.doubao.token_exchange import ACCOUNT, CONTROL_PLANE, TOKEN_EXCHANGE

ONE_LIMIT = Message("one of the two limits, because the vendor refuses both; at most the model's own limit")
CHOICE_BY_MODEL = Message(
    "none, auto, required or a named tool; for models without the field by the prompt and a check"
)
TOOLS_OMITTED = Message("sent by omitting the tools: the model accepts no tool_choice")
OTHER_TOKENS = Message("the token ids of the vendor's models are not those of OpenAI's")
NEEDS_LOGPROBS = Message("it has no effect without logprobs")
NO_SUCH_TIER = Message("the vendor has the tiers auto and default only")
TIERS = Message("auto and default; other tiers exist only at OpenAI")

TIER_NAMES = ("auto", "default")


def cannot_think(builder: RequestBuilder) -> bool:
    """Whether the model has no thinking at all; models that have it refuse some fields even when it is off."""
    return builder.model.thinking == "never"


def requests_logprobs(builder: RequestBuilder) -> bool:
    """Whether the request has ``logprobs: true``, without which ``top_logprobs`` is refused."""
    return builder.request.fields.get("logprobs") is True


def send_token_limit(name: str, value: int, builder: RequestBuilder) -> None:
    """Send one limit: the vendor refuses both together, and a value above the model's own limit.

    ``max_tokens`` limits the answer without its reasoning, ``max_completion_tokens`` both. The latter is sent as ``max_tokens``
    except to models whose catalog row has it as a fact, which is its largest value. Of two limits the smaller is sent.
    """
    body, most = builder.body, builder.model.facts.get("max_completion_tokens")
    both = OTHER[name] in builder.request.fields
    to = "max_completion_tokens" if most and (both or name == "max_completion_tokens") else "max_tokens"
    sent = min(value, (most if to == "max_completion_tokens" else builder.model.max_output) or value)
    before = body.get(to, sent)
    body[to] = min(sent, before)
    if sent != value:
        builder.record(name, "clamped", Message("the model returns at most {limit} tokens", limit=sent))
    elif sent > before:
        builder.record(name, "mapped", SMALLER_LIMIT)
    elif to == name:
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", sent_as(to), quiet=True)
    if sent < before:
        builder.record(OTHER[name], "mapped", SMALLER_LIMIT)


def instead_of_tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Serve ``tool_choice`` without the field, for models before Seed 1.6: ``auto`` is their default."""
    check_tool_choice(name, value, builder)
    if forces_call(value):
        ask_for_call(name, value, NEVER_FORCED, builder)
    elif value == "none" and builder.body.pop("tools", None):
        builder.record(name, "mapped", TOOLS_OMITTED)
        builder.record("tools", "mapped", TOOLS_OMITTED)
    else:
        builder.record(name, "mapped", DEFAULT_OMITTED)


def send_tier(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send the tiers that the vendor has, where ``auto`` uses a paid throughput package first; drop others."""
    if value in TIER_NAMES:
        builder.body[name] = value
        builder.record(name, "honoured", TIERS)
    else:
        builder.record(name, "dropped", NO_SUCH_TIER)


def check_tool_turns(name: str, messages: list[MessageDict], builder: RequestBuilder) -> None:
    """Raise Refused for a tool call that is not followed by its result: the vendor answers 400, as OpenAI does."""
    for at, message in enumerate(messages):
        wanted = call_ids(message.get("tool_calls") or [])
        if not wanted:
            continue
        results = takewhile(lambda later: later["role"] == "tool", messages[at + 1 :])
        found = {result.get("tool_call_id") for result in results}
        missing = next((id_ for id_ in wanted if id_ not in found), None)
        if missing is not None:
            why = Message("the call {id} must be followed by a message of role tool with its result", id=missing)
            builder.refuse(f"{name}[{at}].tool_calls", why)


MESSAGES = MessageRules(
    image_details=frozenset({"auto", "low", "high"}),
    # Empty content was an error until 2026-09, and so were null and none beside calls (a live report of that month).
    empty=EmptyContent(
        beside_calls=EMPTY,
        assistant=OmitWhenEmpty.MESSAGE,
        user=EMPTY,
        tool=EMPTY,
        system=OmitWhenEmpty.MESSAGE,
    ),
)


def send_messages(name: str, value: Any, builder: RequestBuilder) -> None:
    """Check that tool calls have their results, and write the messages. Raises Refused."""
    check_tool_turns(name, value, builder)
    MESSAGES.apply(name, value, builder)


LOGPROBS = by_fact("logprobs", Honour(), NO_LOGPROBS)
LIMIT = Rewrite(send_token_limit, ONE_LIMIT, ("honoured", "mapped", "clamped"))
LEVELS = {"low": ("low",), "medium": ("medium",), "high": ("high", "xhigh", "max")}
ALL_LEVELS = {**LEVELS, "high": ("high",), "xhigh": ("xhigh",), "max": ("max",)}

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": Rewrite(send_messages, MESSAGES.why, MESSAGES.words),
    "temperature": by_family({"2024": Clamp(0, 1, Message("the models of 2024 accept 0 to 1"))}, Honour()),
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    # Models that can think refuse stop, whether they think or not; likewise logprobs, by their catalog rows.
    "stop": Stops(most=4, accepted=cannot_think),
    "logprobs": LOGPROBS,
    "top_logprobs": Choose(((requests_logprobs, LOGPROBS),), Drop(NEEDS_LOGPROBS)),
    "logit_bias": Drop(OTHER_TOKENS),
    "response_format": JsonMode(json=has("json"), schema=has("json_schema")),
    "tools": by_fact("no_tools", NO_TOOLS, Tools()),
    "tool_choice": by_fact(
        "tool_choice",
        ToolChoice(),
        Rewrite(instead_of_tool_choice, CHOICE_BY_MODEL, ("mapped", "emulated", "refused")),
    ),
    # Models without tool_choice accept the field and ignore false.
    "parallel_tool_calls": by_fact("tool_choice", Honour(), FIRST_CALL_ONLY),
    "reasoning_effort": by_fact("all_efforts", Efforts(ALL_LEVELS, leveled=has("all_efforts")), Efforts(LEVELS)),
    "service_tier": Rewrite(send_tier, TIERS, ("honoured", "dropped")),
    "user": Honour(),
    "safety_identifier": Rename("user"),
}


def most_inputs(model: Model) -> int | None:
    """Return the catalog's fact ``max_inputs``; the vendor documents no maximum, and advises at most four texts."""
    return model.facts.get("max_inputs")


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    # The vendor's page has no dimensions: it says to cut the vectors and normalize them.
    "dimensions": SIZES,
    "user": Honour(),
}

FAILURES = (
    *by_code("inspection", "SensitiveContentDetected*", "InputTextSensitiveContentDetected*"),
    *by_code("inspection", "InputImageSensitiveContentDetected*", "InputVideoSensitiveContentDetected*"),
    *by_code("inspection", "InputAudioSensitiveContentDetected*", "OutputTextSensitiveContentDetected*"),
    *by_code("inspection", "OutputImageSensitiveContentDetected*", "OutputVideoSensitiveContentDetected*"),
    *by_code("inspection", "InputTextRiskDetection*", "InputImageRiskDetection*"),
    *by_code("inspection", "OutputTextRiskDetection*", "OutputImageRiskDetection*"),
    *by_code(
        "no_funds", "AccountOverdueError*", "OperationDenied.ServiceOverdue", "QuotaExceeded*", "SetLimitExceeded*"
    ),
    FailureRule("overloaded", code="InvalidEndpoint.ClosedEndpoint"),  # stopped, or unavailable for a time
    FailureRule("overloaded", code="ServerOverloaded*"),
    FailureRule("rate_limited", code="RateLimitExceeded.EndpointRPM*", limit="requests_per_minute"),
    FailureRule("rate_limited", code="RateLimitExceeded.EndpointTPM*", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="ModelAccountRpmRateLimitExceeded*", limit="requests_per_minute"),
    FailureRule("rate_limited", code="ModelAccountTpmRateLimitExceeded*", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="APIAccountRpmRateLimitExceeded*", limit="requests_per_minute"),
    FailureRule("rate_limited", code="InflightBatchsizeExceeded*", limit="concurrency"),
    *by_code("rate_limited", "RateLimitExceeded*", "ModelAccountIpmRateLimitExceeded*", "AccountRateLimitExceeded*"),
    FailureRule("rate_limited", code="RequestBurstTooFast*"),
    *by_code("key_refused", "AuthenticationError*", "InvalidAccountStatus*"),
    # The account has not opened the model, or may not call it by its id.
    *by_code("model_not_found", "ModelNotOpen*", "InvalidEndpointOrModel*", "InvalidEndpoint.NotFound"),
    FailureRule("model_not_found", code="OperationDenied.ServiceNotOpen"),
    FailureRule("context", code="OutofContextError*"),
    *CONTROL_PLANE,
    *BY_MEANING,
    *by_code("forbidden", "AccessDenied*", "OperationDenied*", "InvalidSubscription*"),
    *by_code("vendor_error", "InternalServiceError*", "InternalServiceTimeout", "InternalError"),
    *by_code("bad_request", "InvalidParameter*", "MissingParameter*", "InvalidArgumentError*", "InvalidImageURL*"),
)

DOUBAO = Vendor(
    name="doubao",
    rank=70,
    title="Doubao",
    docs="https://www.volcengine.com/docs/82379",
    base_urls={
        "cn": "https://ark.cn-beijing.volces.com/api/v3",
        "intl": "https://ark.ap-southeast.bytepluses.com/api/v3",
    },
    auth=Bearer(),
    key_names=("ARK_API_KEY",),
    # Which requests a model can't think in is not documented, so no field turns thinking off. max_tokens limits the answer
    # alone; max_completion_tokens is not sent to models that always think.
    reasoning_switch=ReasoningSwitch.thinking_type(shared_limit=False),
    token_exchange=TOKEN_EXCHANGE,
    redacted=ACCOUNT,
    operations={
        "chat": Op(
            "/chat/completions",
            openai_chat,
            CHAT,
            FAILURES,
            choice_members=frozenset({"moderation_hit_type"}),
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=most_inputs),
    },
)
