"""Hunyuan, of Tencent, in two editions: TokenHub, the current platform, and the classic OpenAI-compatible host before it.

Sources: Tencent Cloud's TokenHub documentation (language models 2026-06, thinking 2026-05, errors), the pages of the
old platform on its OpenAI-compatible API (to 2026-01), the vendor's SDK (hunyuan/v20230901), whose field descriptions
apply to the classic host, and reports of 400s, as collected in docs/vendors/hunyuan.md. Tencent announced the end of the
classic platform for 2026-09-30. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import ClosedVariant, Op, ReasoningSwitch, Vendor
from adapters.rules.alternating_messages import AlternatingMessages
from adapters.rules.defaults import NO_TOOLS, NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.efforts import Efforts
from adapters.rules.embeddings import ENCODE_BASE64, SIZES, inputs
from adapters.rules.failures import BY_MEANING, by_code
from adapters.rules.json_mode import JsonMode, begins_with_system
from adapters.rules.messages import NO_DETAILS, MessageRules, vendor_tool_name
from adapters.rules.parameters import TOKEN_LIMITS, Seeds, Stops, VendorSearch
from adapters.rules.reasons import SENT_AS_IS
from adapters.rules.tool_choice import (
    ONE_OF_SEVERAL,
    ToolChoice,
    ask_for_call,
    check_tool_choice,
    forced_call,
    forces_call,
)
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Drop, Honour, Refuse, Rewrite, by_fact, never

FORCED_TOOL = Message("sent as custom, with the tool that must be called")
MAY_BE_IGNORED = Honour(Message("sent unchanged; the vendor says that some models ignore it"))
TOOLS = by_fact("no_tools", NO_TOOLS, Tools())

# --- TokenHub ---

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_details=NO_DETAILS),
    "frequency_penalty": MAY_BE_IGNORED,
    "presence_penalty": MAY_BE_IGNORED,
    **TOKEN_LIMITS,
    "reasoning_effort": Efforts({"low": ("low",), "medium": ("medium",), "high": ("high", "xhigh", "max")}),
    "response_format": JsonMode(),
    "seed": Honour(),
    "tools": TOOLS,
    "tool_choice": ToolChoice("unforced"),
    "web_search_options": VendorSearch("web_search_options", {"enable": True}),
}

EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": ENCODE_BASE64,
}

TENCENT = (
    *by_code("rate_limited", "RequestLimitExceeded*", "LimitExceeded*", "FailedOperation.EngineServerLimitExceeded"),
    *by_code(
        "no_funds",
        "FailedOperation.FreeResourcePackExhausted",
        "FailedOperation.ResourcePackExhausted",
        "FailedOperation.ServiceStop*",
        "FailedOperation.SetPayModeExceed",
        "ResourceInsufficient.ChargeResourceExhaust",
        "ResourceUnavailable.InArrears",
        "ResourceUnavailable.LowBalance",
        "ResourceUnavailable.StopUsing",
    ),
    FailureRule("key_refused", code="AuthFailure*"),
    FailureRule("model_not_found", code="InvalidParameterValue.Model"),
    FailureRule("model_not_found", code="ResourceNotFound"),
    *by_code("inspection", "OperationDenied.TextIllegalDetected", "OperationDenied.ImageIllegalDetected"),
    *by_code("bad_request", "InvalidParameter*", "MissingParameter", "UnknownParameter", "InvalidRequest"),
)
"""Codes of Tencent Cloud's API 3.0, which come inside 200 as ``Response.Error`` (the vendor's list of codes)."""

FAILURES = (
    FailureRule("context", code="400003"),
    *by_code("model_not_found", "400004", "401006"),
    *by_code("no_funds", "401007", "401008", "403004"),
    FailureRule("no_funds", code="429004"),  # tokens per day: waiting does not help
    FailureRule("inspection", code="451001"),
    FailureRule("inspection", type="content_filter_error"),
    *TENCENT,
    *BY_MEANING,
    FailureRule("model_not_found", status=403, text="model"),  # the key is valid, but not for this model
    *by_code("overloaded", "429006", "503001"),
    FailureRule("overloaded", status=503),
    *by_code("bad_request", "4000*", "413001"),
    FailureRule("key_refused", code="4010*"),
    FailureRule("forbidden", code="4030*"),
    FailureRule("rate_limited", code="429002", limit="requests_per_minute"),
    FailureRule("rate_limited", code="429003", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="429005", limit="concurrency"),
    FailureRule("rate_limited", code="4290*"),
)


# --- classic ---


def custom_tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send none, auto, or ``custom`` with the one tool that must be called; emulate required with several tools."""
    check_tool_choice(name, value, builder)
    if not forces_call(value):
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)
        return
    tools = builder.body.get("tools") or []
    if type(value) is dict:
        wanted = vendor_tool_name(builder, str((value.get("function") or {}).get("name")))
        tools = [tool for tool in tools if tool["function"]["name"] == wanted]
    if len(tools) != 1:
        ask_for_call(name, value, ONE_OF_SEVERAL, builder)
        return
    builder.body[name] = "custom"
    builder.body["custom_tool"] = tools[0]
    builder.record(name, "mapped", FORCED_TOOL)


CLASSIC_CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": AlternatingMessages(
        MessageRules(names=False, image_details=NO_DETAILS, keeps_reasoning=never), most=40
    ),
    "frequency_penalty": Drop(NOT_IN_API),
    "presence_penalty": Drop(NOT_IN_API),
    **TOKEN_LIMITS,
    "reasoning_effort": Efforts({}),
    # No JSON mode. The instruction joins a message, because the number of messages is limited.
    "response_format": JsonMode(json=never, schema=never, in_system_message=begins_with_system),
    "seed": Seeds(1, 10_000),
    "stop": Stops(as_list=True, left_in_answer=True),
    "tools": TOOLS,
    "tool_choice": Rewrite(
        custom_tool_choice,
        Message("none, auto, or a single tool; required with several tools is emulated by prompt and check"),
        ("honoured", "mapped", "emulated", "refused"),
    ),
    "web_search_options": by_fact(
        "no_search",
        Refuse(Message("the model has no web search: map the name to a model that has")),
        VendorSearch("enable_enhancement", True),
    ),
}

CLASSIC_FAILURES = (
    *TENCENT,
    *BY_MEANING,
    FailureRule("bad_request", code="1001"),
    FailureRule("bad_request", type="invalid_request_error", status=frozenset({200, 400})),
    FailureRule("overloaded", status=503),
)

HUNYUAN_CLASSIC = Vendor(
    name="hunyuan",
    variant="classic",
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1729/111007",
    base_urls={"cn": "https://api.hunyuan.cloud.tencent.com/v1"},
    auth=Bearer(),
    key_names=("HUNYUAN_API_KEY",),
    reasoning_switch=ReasoningSwitch.enable_thinking(),
    operations={
        "chat": Op("/chat/completions", openai_chat, CLASSIC_CHAT, CLASSIC_FAILURES),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, CLASSIC_FAILURES, max_inputs=inputs(50)),
    },
)

HUNYUAN = Vendor(
    name="hunyuan",
    rank=40,
    usual_variant="tokenhub",
    variants={"classic": HUNYUAN_CLASSIC},
    # The vendor's notices (high); effect not verified. The whole old platform, native and OpenAI-compatible.
    closed=(
        ClosedVariant(
            "native",
            (2026, 9, 30),
            Message("protocol: openai with an api_key of {product}", product="TokenHub"),
        ),
        ClosedVariant("classic", (2026, 9, 30), Message("edition: tokenhub with an api_key of TokenHub")),
    ),
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1823",
    base_urls={"cn": "https://tokenhub.tencentmaas.com/v1", "intl": "https://tokenhub-intl.tencentmaas.com/v1"},
    auth=Bearer(),
    key_names=("TOKENHUB_API_KEY",),
    reasoning_switch=ReasoningSwitch.thinking_type(excludes={"tool_choice": forced_call()}),
    operations={
        "chat": Op("/chat/completions", openai_chat, CHAT, FAILURES),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(50)),
    },
)
