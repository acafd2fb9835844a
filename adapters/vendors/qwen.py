"""Qwen, of Alibaba Cloud (Model Studio, Bailian, DashScope): the OpenAI-compatible ``compatible-mode`` API.

Sources: help.aliyun.com Chat API reference (2025-12 and mid-2026), error codes (2025-12), embeddings (2025), the
vendor's SDK (dashscope 2.0.2) and recorded traffic, as collected in docs/vendors/qwen.md. The features of each model
are in its catalog row. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS, request_usage
from adapters.rules.embeddings import REQUEST_FLOATS, SIZES, inputs
from adapters.rules.failures import BY_MEANING
from adapters.rules.messages import MessageRules
from adapters.rules.reasons import NO_SUCH_SWITCH, OWN_SEARCH, RUNS_WITHOUT_THINKING, SENT_AS_IS, sent_as
from adapters.rules.token_limits import send_token_limit
from adapters.rules.tools import Tools, check_tool_choice, forces_call, send_tool_choice
from adapters.rules.verdicts import Clamp, Drop, Honour, Refuse, Rewrite, by_fact

REDUCED = Message("reduced to 31 bits")
NO_NEGATIVE_SEEDS = Message("the vendor does not accept negative seeds")
JSON_HINT_ADDED = Message("a system message was added, because the vendor's JSON mode requires the word json")
ONLY_TOOL = Message("sent as the name of the only tool")
DEFAULT_SENT = Message("OpenAI's default, sent explicitly because the vendor's differs")

SEEDS = 2**31
BUDGETS = {"low": 1024, "medium": 4096, "high": 16384}
"""Reasoning tokens for OpenAI's efforts: banjia's choice, since the vendor documents no equivalents."""
EFFORTS = {"low": "low", "medium": "medium", "high": "xhigh", "xhigh": "xhigh", "max": "xhigh"}
"""OpenAI's efforts for models with levels (qwen3.8), which are low, medium and xhigh."""


def set_thinking(builder: RequestBuilder, on: bool) -> None:
    """Set ``enable_thinking``, the switch of hybrid models; their default is in the catalog."""
    builder.body["enable_thinking"] = on


def excludes(builder: RequestBuilder) -> Message | None:
    """Return why the request can't run with thinking: JSON mode, or a forced tool call."""
    fields = builder.request.fields
    if (fields.get("response_format") or {}).get("type") == "json_object":
        return Message("JSON mode cannot be combined with thinking")
    if forces_call(fields.get("tool_choice")):
        return Message("a tool call cannot be forced while the model thinks")
    return None


def prevents(builder: RequestBuilder) -> Message | None:
    """Open Qwen3 thinks in streams only: 400 "parameter.enable_thinking must be set to false for non-streaming calls".

    It is not documented for which models this still holds; the open ones are those that think by default.
    """
    opened = builder.model.family == "qwen3" and builder.model.thinking == "default_on"
    return Message("the model supports thinking only in streams") if opened and not builder.request.stream else None


def seed(name: str, value: int, builder: RequestBuilder) -> None:
    """Send 0 to 2**31 - 1; reduce a larger seed to that range, which is just as reproducible."""
    if value < 0:
        builder.record(name, "dropped", NO_NEGATIVE_SEEDS)
        return
    builder.body[name] = value % SEEDS
    builder.record(name, "honoured" if value < SEEDS else "mapped", REDUCED)


ANY_BUDGET = Message("thinking without a token budget")
FOUR_CHOICES = Message("the model returns at most four choices per call, so banjia makes one call per choice")
ONE_CHOICE = Message("the model returns one choice per call for this request, so banjia makes one call per choice")


def choices(name: str, value: int, builder: RequestBuilder) -> None:
    """Some models return 1 to 4 choices, with tools only one: 400 "Range of n should be [1, 4]"."""
    many = builder.model.facts.get("many_choices") and not builder.thinks and not builder.request.fields.get("tools")
    if value > (4 if many else 1):
        builder.emulate(name, "n", value, FOUR_CHOICES if many else ONE_CHOICE)
        return
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)


def response_format(name: str, value: dict[str, Any], builder: RequestBuilder) -> None:
    """JSON mode requires the word json in the messages, and no thinking; only models on the vendor's list take schemas."""
    kind = value["type"]
    if kind == "json_schema" and not builder.model.facts.get("json_schema"):
        builder.refuse(
            name, Message("the model does not support json_schema, and banjia does not emulate it: use json_object")
        )
    if kind == "json_object" and builder.model.facts.get("no_json"):
        builder.refuse(name, Message("the model has no JSON mode"))
    if kind == "json_object" and builder.thinks:
        builder.refuse(name, Message("the model has no JSON mode while thinking: turn thinking off for this name"))
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)
    if kind == "json_object" and "json" not in str(builder.body.get("messages")).lower():
        hint = {"role": "system", "content": "Answer with a JSON object."}
        builder.body["messages"] = [hint, *builder.body["messages"]]
        builder.record("messages", "mapped", JSON_HINT_ADDED)


def tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Only newer models accept ``required``; for others, a single tool is named instead."""
    check_tool_choice(name, value, builder)
    if builder.thinks and forces_call(value):
        builder.refuse(
            name, Message("a tool call cannot be forced while the model thinks: turn thinking off for this name")
        )
    if value == "required" and not builder.model.facts.get("required_tool_choice"):
        tools = builder.body.get("tools") or []
        if len(tools) != 1:
            builder.refuse(name, Message("the model cannot be forced to call one of several tools: name the tool"))
        builder.body[name] = {"type": "function", "function": {"name": tools[0]["function"]["name"]}}
        builder.record(name, "mapped", ONLY_TOOL)
        return
    send_tool_choice(name, value, builder)


def effort(name: str, value: str, builder: RequestBuilder) -> None:
    """Send levels to qwen3.8; elsewhere a thinking budget, or none."""
    off = value in ("none", "minimal")
    if off is builder.thinks:
        builder.record(name, "dropped", NO_SUCH_SWITCH)
    elif off:
        builder.record(name, "mapped", RUNS_WITHOUT_THINKING)
    elif builder.model.facts.get("effort"):
        builder.body[name] = EFFORTS[value]
        builder.record(name, "honoured" if EFFORTS[value] == value else "mapped", sent_as(EFFORTS[value]))
    else:
        budget = BUDGETS.get(value)
        if budget is not None:
            builder.body.setdefault("thinking_budget", budget)
        if budget:
            why = Message("thinking with a budget of {budget} tokens", budget=budget)
        else:
            why = ANY_BUDGET
        builder.record(name, "mapped", why)


def web_search(name: str, value: Any, builder: RequestBuilder) -> None:
    """Enable the vendor's own web search, which returns no annotations."""
    builder.body["enable_search"] = True
    builder.record(name, "mapped", OWN_SEARCH)


def gives_logprobs(builder: RequestBuilder) -> bool:
    """Whether the model returns logprobs: some do, and none while thinking."""
    return bool(builder.model.facts.get("logprobs")) and not builder.thinks


NO_LOGPROBS = Refuse(Message("the model returns no logprobs, which the client would rely on"))


def finish(builder: RequestBuilder) -> None:
    """Apply rules on several fields: usage in streams, OpenAI's default of parallel calls, models that only stream."""
    request_usage(builder)
    if builder.model.facts.get("stream_only") and not builder.request.stream:
        builder.refuse(
            "stream",
            Message("the model only supports streaming, and banjia does not join its chunks: send stream: true"),
        )
    if builder.model.facts.get("no_system") and any(m["role"] == "system" for m in builder.body["messages"]):
        builder.refuse("messages", Message("the model does not accept system messages"))
    if builder.body.get("tools") and "parallel_tool_calls" not in builder.body:
        builder.add("parallel_tool_calls", True)  # the vendor's default is false, OpenAI's is true
        builder.record("parallel_tool_calls", "mapped", DEFAULT_SENT, quiet=True)


CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_detail=False),
    "temperature": Clamp(0, 1.99, Message("the vendor accepts 0 to just below 2")),
    "top_p": Clamp(0.001, 1, Message("the vendor accepts values above 0")),
    "n": Rewrite(
        choices,
        Message("up to four from some models; otherwise banjia makes one call per choice"),
        ("honoured", "emulated", "refused"),
    ),
    "frequency_penalty": Drop(NOT_IN_API),
    "max_tokens": Rewrite(
        send_token_limit, Message("at most the model's own limit"), ("honoured", "mapped", "clamped")
    ),
    "max_completion_tokens": Rewrite(
        send_token_limit, Message("sent as max_tokens to older models"), ("honoured", "mapped", "clamped")
    ),
    "seed": Rewrite(seed, Message("at most 31 bits"), ("honoured", "mapped", "dropped")),
    "logprobs": by_fact(
        "logprobs", Honour(), Refuse(Message("the model returns no logprobs, which the client would rely on"))
    ),
    "top_logprobs": by_fact(
        "logprobs",
        Clamp(0, 5, Message("the vendor returns at most five")),
        Refuse(Message("the model returns no logprobs, which the client would rely on")),
    ),
    "response_format": Rewrite(
        response_format, Message("JSON mode requires thinking to be off"), ("honoured", "refused")
    ),
    "parallel_tool_calls": Honour(),
    "tools": by_fact("no_tools", Refuse(Message("the model does not support tools")), Tools(reserved=("search",))),
    "tool_choice": Rewrite(
        tool_choice, Message("a forced tool call cannot be combined with thinking"), ("honoured", "mapped", "refused")
    ),
    "reasoning_effort": Rewrite(
        effort, Message("an effort level, a token budget, or thinking off"), ("mapped", "honoured", "dropped")
    ),
    "web_search_options": Rewrite(web_search, Message("the vendor's own web search"), ("mapped",)),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": REQUEST_FLOATS,
}


FAILURES = (
    FailureRule("context", text="range of input length should be"),
    FailureRule("inspection", code="data_inspection_failed"),
    FailureRule("inspection", code="DataInspectionFailed"),
    FailureRule("no_funds", code="Arrearage"),
    FailureRule("no_funds", code="AllocationQuota.FreeTierOnly"),
    FailureRule("no_funds", code="CommodityNotPurchased"),
    FailureRule("no_funds", code="PrepaidBillOverdue"),
    FailureRule("no_funds", code="PostpaidBillOverdue"),
    FailureRule("no_funds", code="BudgetLimitExceeded"),
    # At OpenAI this code means missing funds; here it is the limit of tokens per minute, which is temporary.
    FailureRule("rate_limited", code="insufficient_quota"),
    FailureRule("rate_limited", code="limit_*"),
    FailureRule("rate_limited", code="Throttling*"),
    FailureRule("key_refused", code="invalid_api_key"),
    FailureRule("key_refused", code="InvalidApiKey"),
    FailureRule("model_not_found", code="model_not_found"),
    FailureRule("model_not_found", code="model_not_supported"),
    FailureRule("model_not_found", code="ModelNotFound"),
    FailureRule("model_not_found", code="Model.AccessDenied"),
    FailureRule("model_not_found", text="model not exist"),
    *BY_MEANING,
    FailureRule("forbidden", code="AccessDenied*"),
    FailureRule("forbidden", code="access_denied"),
    FailureRule("forbidden", code="Workspace.AccessDenied"),
    FailureRule("forbidden", code="WorkSpaceNotFound"),
    FailureRule("overloaded", status=503),
    FailureRule("vendor_error", code="RequestTimeOut"),
    FailureRule("bad_request", code="invalid_parameter_error"),
    FailureRule("bad_request", code="InvalidParameter*"),
    FailureRule("bad_request", code="BadRequest*"),
    FailureRule("bad_request", code="UnsupportedOperation"),
    FailureRule("bad_request", code="InvalidURL"),
    FailureRule("bad_request", code="CustomRoleBlocked"),
    FailureRule("bad_request", code="FaqRuleBlocked"),
    FailureRule("bad_request", code="IPInfringementSuspect"),
)

QWEN = Vendor(
    name="qwen",
    rank=10,
    title="Qwen",
    docs="https://help.aliyun.com/zh/model-studio/",
    base_urls={
        "cn": "https://dashscope.aliyuncs.com/compatible-mode/v1",
        "intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
        "hk": "https://cn-hongkong.dashscope.aliyuncs.com/compatible-mode/v1",
        "finance": "https://dashscope-finance.aliyuncs.com/compatible-mode/v1",
    },
    auth=Bearer(),
    key_names=("DASHSCOPE_API_KEY",),
    reasoning_switch=ReasoningSwitch(set_thinking, excludes, prevents),
    operations={
        "chat": Op("/chat/completions", openai_chat, CHAT, FAILURES, finish=finish),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(10)),
    },
)
