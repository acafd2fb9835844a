"""Qwen, of Alibaba Cloud (Model Studio, Bailian, DashScope): the OpenAI-compatible ``compatible-mode`` API.

Sources: help.aliyun.com Chat API reference (2025-12 and mid-2026), error codes (2025-12), embeddings (2025), the
vendor's SDK (dashscope 2.0.2) and recorded traffic, as collected in docs/vendors/qwen.md. The features of each model
are in its catalog row. Checked against the live service: never.
"""

from collections.abc import Mapping

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import EarlierReasoning, Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import (
    FIRST_CALL_ONLY,
    NO_LOGPROBS,
    NO_TOOLS,
    NOT_IN_API,
    OPENAI_CHAT,
    OPENAI_EMBEDDINGS,
)
from adapters.rules.efforts import Efforts
from adapters.rules.embeddings import REQUEST_FLOATS, SIZES, inputs
from adapters.rules.failures import BY_MEANING, by_code
from adapters.rules.joined_streams import EMULATION, join_stream
from adapters.rules.json_mode import JsonMode, json_mode
from adapters.rules.messages import NO_DETAILS, MessageRules
from adapters.rules.parameters import TOKEN_LIMITS, Choices, Seeds, VendorSearch
from adapters.rules.tool_choice import ToolChoice, forced_call
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Clamp, Drop, Honour, by_fact, has, lacks

BUDGETS = {"low": 1024, "medium": 4096, "high": 16384}
"""Reasoning tokens for OpenAI's efforts: banjia's choice, since the vendor documents no equivalents."""
DEFAULT_SENT = Message("OpenAI's default, sent explicitly because the vendor's differs")


THINKS_IN_STREAMS = Message("the model thinks only in streams: banjia joins the chunks into a whole response")
JOINED = Message("sent unchanged; if the model only streams, banjia joins the chunks into a whole response")


def thinks_in_streams(builder: RequestBuilder) -> bool:
    """Open Qwen3 thinks in streams only: 400 "parameter.enable_thinking must be set to false for non-streaming calls".

    It is not documented for which models this still holds; the open ones are those that think by default.
    """
    return builder.model.family == "qwen3" and builder.model.thinking == "default_on"


def only_in_streams(builder: RequestBuilder) -> Message | None:
    """Thinking is turned off for a whole response only if the operator does not let banjia join a stream."""
    joined = builder.request.stream or EMULATION not in builder.disabled_emulations
    return None if joined or not thinks_in_streams(builder) else Message("the model supports thinking only in streams")


def can_preserve_thinking(model: Model) -> bool:
    """Whether a model can read the reasoning of earlier answers."""
    return bool(model.facts.get("preserve_thinking"))


def preserves_thinking(builder: RequestBuilder) -> bool:
    """Whether the model reads the reasoning of earlier answers, and bills it. Without ``preserve_thinking`` it is ignored."""
    return builder.request.fields.get("preserve_thinking") is True


def most_choices(builder: RequestBuilder) -> int:
    """Some models return 1 to 4 choices, with tools only one: 400 "Range of n should be [1, 4]"."""
    several = builder.model.facts.get("many_choices") and not builder.thinks and not builder.request.fields.get("tools")
    return 4 if several else 1


def finish(builder: RequestBuilder) -> None:
    """Join a stream if the model thinks only in streams. Raises Refused for a system message that the model refuses."""
    if builder.thinks and not builder.request.stream and thinks_in_streams(builder):
        join_stream(builder, THINKS_IN_STREAMS)
    if builder.model.facts.get("no_system") and any(m["role"] == "system" for m in builder.body["messages"]):
        builder.refuse("messages", Message("the model does not accept system messages"))


def parallel_by_default(builder: RequestBuilder) -> None:
    """Send OpenAI's default of ``parallel_tool_calls``."""
    if builder.body["tools"] and "parallel_tool_calls" not in builder.body:
        builder.add("parallel_tool_calls", True)  # the vendor's default is false, OpenAI's is true
        builder.record("parallel_tool_calls", "mapped", DEFAULT_SENT, quiet=True)


CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_details=NO_DETAILS),
    "temperature": Clamp(0, 1.99, Message("the vendor accepts 0 to just below 2")),
    "top_p": Clamp(0.001, 1, Message("the vendor accepts values above 0")),
    "n": Choices(most_choices),
    "frequency_penalty": Drop(NOT_IN_API),
    **TOKEN_LIMITS,
    "stream": Honour(JOINED, ("honoured", "emulated", "refused")),
    "seed": Seeds(0, 2**31 - 1),
    "logprobs": by_fact("logprobs", Honour(), NO_LOGPROBS),
    "top_logprobs": by_fact("logprobs", Clamp(0, 5, Message("the vendor returns at most five")), NO_LOGPROBS),
    # JSON mode requires the word json in the messages, and no thinking; only models on the vendor's list take schemas.
    "response_format": JsonMode(
        schema=has("json_schema"), word="json", while_thinking=False, in_system_message=lacks("no_system")
    ),
    "parallel_tool_calls": by_fact("no_tools", FIRST_CALL_ONLY, Honour()),
    "tools": by_fact("no_tools", NO_TOOLS, Tools(reserved=("search",))),
    "tool_choice": ToolChoice("unforced", required=has("required_tool_choice")),
    "reasoning_effort": Efforts(
        {"low": ("low",), "medium": ("medium",), "xhigh": ("high", "xhigh", "max")}, budgets=BUDGETS
    ),
    "web_search_options": VendorSearch("enable_search", True),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": REQUEST_FLOATS,
}


FAILURES = (
    FailureRule("context", text="range of input length should be"),
    *by_code("inspection", "data_inspection_failed", "DataInspectionFailed"),
    *by_code("no_funds", "Arrearage", "AllocationQuota.FreeTierOnly", "CommodityNotPurchased", "PrepaidBillOverdue"),
    *by_code("no_funds", "PostpaidBillOverdue", "BudgetLimitExceeded"),
    # At OpenAI insufficient_quota means missing funds; here it is the limit of tokens per minute, which is temporary.
    *by_code("rate_limited", "insufficient_quota", "limit_*", "Throttling*"),
    *by_code("key_refused", "invalid_api_key", "InvalidApiKey"),
    *by_code("model_not_found", "model_not_found", "model_not_supported", "ModelNotFound", "Model.AccessDenied"),
    FailureRule("model_not_found", text="model not exist"),
    *BY_MEANING,
    *by_code("forbidden", "AccessDenied*", "access_denied", "Workspace.AccessDenied", "WorkSpaceNotFound"),
    FailureRule("overloaded", status=503),
    FailureRule("vendor_error", code="RequestTimeOut"),
    *by_code("bad_request", "invalid_parameter_error", "InvalidParameter*", "BadRequest*", "UnsupportedOperation"),
    *by_code("bad_request", "InvalidURL", "CustomRoleBlocked", "FaqRuleBlocked", "IPInfringementSuspect"),
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
    reasoning_switch=ReasoningSwitch.enable_thinking(
        excludes={"response_format": json_mode, "tool_choice": forced_call()},
        prevents=(only_in_streams,),
        shared_limit=False,  # max_tokens does not limit the reasoning
    ),
    operations={
        "chat": Op(
            "/chat/completions",
            openai_chat,
            CHAT,
            FAILURES,
            finish={"messages": finish, "tools": parallel_by_default},
            earlier_reasoning=EarlierReasoning(can_preserve_thinking, preserves_thinking),
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(10)),
    },
)
