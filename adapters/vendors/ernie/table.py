"""ERNIE, of Baidu (Qianfan): the OpenAI-compatible v2 API. Baidu shut down the v1 API of 2024 on 2026-08-31.

Sources: the vendor's v2 chat, embeddings and error pages (error page: revision 2026-11-11), its page on thinking models,
its SDK (qianfan 0.4.12) and other gateways, as collected in docs/vendors/ernie.md. The features of each model are in
its catalog row; an id that is not in the catalog and does not have Baidu's prefixes is a resold model of another maker.
Checked against the live service: never.
"""

from collections.abc import Mapping

from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import ClosedVariant, Op, ReasoningSwitch, Vendor
from adapters.rules.alternating_messages import AlternatingMessages, Fillers
from adapters.rules.defaults import FIRST_CALL_ONLY, NO_TOOLS, OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.efforts import Efforts
from adapters.rules.embeddings import REQUEST_FLOATS, SIZES, inputs
from adapters.rules.failures import BY_MEANING, by_code
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import EMPTY, MessageRules
from adapters.rules.parameters import TOKEN_LIMITS, Seeds, Stops, VendorSearch
from adapters.rules.reasons import sent_as
from adapters.rules.tool_choice import ToolChoice
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Choose, Clamp, Drop, Honour, Refuse, Rename, Rewrite, by_fact, has, lacks, thinks
from adapters.vendors.ernie.chat import ernie_chat

NO_PENALTY = Message("omitted: 0 means no penalty")
ONLY_DISCOURAGED = Message("the vendor can only penalize repetition, not reward it")

MIN_TEMPERATURE = 0.01
"""Sent for a temperature of 0, which the vendor refuses: the range excludes 0; the smallest value is not documented."""
EFFORTS = {"low": ("none", "minimal", "low"), "medium": ("medium",), "high": ("high", "xhigh", "max")}


def resold(builder: RequestBuilder) -> bool:
    """Whether it is another maker's model, which has that maker's ranges."""
    return not builder.model.family and not builder.model.id.startswith(("ernie", "qianfan"))


def penalty(name: str, value: float, builder: RequestBuilder) -> None:
    """Send the larger of OpenAI's two penalties as ``penalty_score``, from 1 (none) to 2.

    The scale is banjia's choice, so that 0 stays "no penalty"; negative penalties have no equivalent.
    """
    fields = builder.request.fields
    strongest = max(fields.get("frequency_penalty") or 0, fields.get("presence_penalty") or 0)
    score = 1 + strongest / 2
    if value == 0:
        builder.record(name, "mapped", NO_PENALTY)
    elif "penalty_score" in fields:
        builder.record(name, "dropped", Message("the request also has {field}", field="penalty_score"))
    elif value < 0:
        builder.record(name, "dropped", ONLY_DISCOURAGED)
    else:
        builder.body["penalty_score"] = score
        if value == strongest:
            why = Message("sent as penalty_score {score}", score=f"{score:g}")
        else:
            why = Message("the larger of the two penalties is sent, as penalty_score {score}", score=f"{score:g}")
        builder.record(name, "mapped", why)


PENALTY = Choose(
    (
        (resold, Honour()),
        (thinks, Drop(Message("the model does not support it while thinking"))),
    ),
    Rewrite(penalty, sent_as("penalty_score"), ("mapped", "dropped")),
)

MESSAGES = AlternatingMessages(
    MessageRules(),
    later_system="user",
    empty_result=EMPTY,
    empty_turn=EMPTY,
    fillers=Fillers(first=EMPTY, between=EMPTY, last="Continue."),
)
"""The order that a public copy of the vendor's page requires: system or user first, user or tool last, and alternating
sides between. A blank last message is refused: 400 ``invalid_messages``.
"""

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MESSAGES,
    "temperature": Choose(
        (
            (resold, Honour()),
            (has("no_temperature"), Drop(Message("the model does not accept temperature"))),
        ),
        Clamp(MIN_TEMPERATURE, 1, Message("the vendor accepts values above 0, up to 1")),
    ),
    "frequency_penalty": PENALTY,
    "presence_penalty": PENALTY,
    **TOKEN_LIMITS,
    "seed": by_fact("no_seed", Drop(Message("the model does not support seed")), Seeds(1, 2**31 - 2)),
    "stop": Stops(most=4, longest=20, accepted=lacks("no_stop"), as_list=True),
    # X1 and the writing models do not accept the field, those of 2024 do not accept json_schema.
    "response_format": JsonMode(),
    "tools": by_fact("no_tools", NO_TOOLS, Tools()),
    "tool_choice": ToolChoice(),
    "parallel_tool_calls": by_fact("no_tools", FIRST_CALL_ONLY, Honour()),
    "reasoning_effort": Efforts(EFFORTS),
    "metadata": Honour(Message("sent unchanged: the vendor labels its logs with it")),
    "user": Honour(),
    "safety_identifier": Rename("user"),
    "web_search_options": by_fact(
        "search",
        VendorSearch("web_search", {"enable": True}),
        Refuse(Message("the model has no web search, which the client would rely on")),
    ),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": REQUEST_FLOATS,
    "user": Honour(),
}


BAIDU_V1 = (
    *by_code("rate_limited", "4", "18", "336501", "336502"),
    *by_code("no_funds", "17", "19"),
    *by_code("key_refused", "13", "14", "100", "110", "111"),
    *by_code("context", "336007", "336103"),
    *by_code("inspection", "336104", "336105"),
    *by_code("bad_request", "336001", "336002", "336003", "336006", "336102"),
    FailureRule("overloaded", code="336100"),
)
"""Codes of Baidu's v1 API, which come inside 200 as ``error_code`` (the vendor's list of 2025-09)."""

FAILURES = (
    # The code has two meanings: the request names no model (400), or the model does not exist (401).
    FailureRule("bad_request", code="invalid_model", text="model is empty"),
    *by_code("model_not_found", "invalid_model", "model_offline"),
    *by_code("context", "characters_too_long", "tokens_too_long"),
    FailureRule("context", text="prompt tokens too long"),
    *by_code("inspection", "image_url_unsafe", "system_unsafe", "user_setting_unsafe", "functions_unsafe"),
    FailureRule("inspection", type="unsafe_request"),
    *by_code("key_refused", "invalid_iam_token", "invalid_appid"),
    # The account may not use a parameter of the request; the key is good and must not cool down.
    FailureRule("bad_request", code="no_parameter_permission"),
    *by_code("no_funds", "account_overdue", "coding_plan_*"),
    FailureRule("rate_limited", code="rpm_rate_limit_exceeded", limit="requests_per_minute"),
    FailureRule("rate_limited", code="tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="input_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="output_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    *by_code("rate_limited", "user_rate_limit_exceeded", "cluster_*", "preemptible_*"),
    FailureRule("rate_limited", code="Offline_batch_reasoning_refused"),
    FailureRule("rate_limited", type="rate_limit_exceeded"),
    *BAIDU_V1,
    *BY_MEANING,
    # method_not_supported is not the client's fault: the address is wrong. The third code is spelled by the vendor.
    *by_code("vendor_error", "internal_error", "dispatch_internal_error", "image_generation_interal_error"),
    FailureRule("vendor_error", code="method_not_supported"),
    FailureRule("vendor_error", type="Internal_error"),
    *by_code("bad_request", "malformed_json", "invalid_messages", "invalid_argument", "invalid_plugin_argument"),
    FailureRule("bad_request", code="invalid_image_*"),
    FailureRule("bad_request", type="invalid_request_error"),
)

ERNIE = Vendor(
    name="ernie",
    rank=30,
    title="ERNIE",
    docs="https://cloud.baidu.com/doc/qianfan-docs/",
    base_urls={"cn": "https://qianfan.baidubce.com/v2"},
    auth=Bearer(),
    key_names=("QIANFAN_API_KEY", "QIANFAN_BEARER_TOKEN"),
    reasoning_switch=ReasoningSwitch.enable_thinking(),
    # The vendor's notice (high). Not verified: whether the old host refuses calls already.
    closed=(
        ClosedVariant(
            "native",
            (2026, 8, 31),
            Message("protocol: openai with an api_key of {product}", product="Qianfan v2"),
        ),
    ),
    operations={
        "chat": Op(
            "/chat/completions",
            ernie_chat,
            CHAT,
            FAILURES,
            choice_members=frozenset({"flag", "ban_round"}),
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(16)),
    },
)
