"""ERNIE, of Baidu (Qianfan): the OpenAI-compatible v2 API. Baidu shut down the v1 API of 2024 on 2026-08-31.

Sources: the vendor's v2 chat, embeddings and error pages (error page: revision 2026-11-11), its page on thinking models,
its SDK (qianfan 0.4.12) and other gateways, as collected in docs/vendors/ernie.md. The features of each model are in
its catalog row; an id that is not in the catalog and does not have Baidu's prefixes is a resold model of another maker.
Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.codecs.qianfan_v1 import ernie_chat
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.alternating_messages import AlternatingMessages, Fillers
from adapters.rules.defaults import OPENAI_CHAT, OPENAI_EMBEDDINGS, request_usage
from adapters.rules.embeddings import REQUEST_FLOATS, SIZES, inputs
from adapters.rules.failures import BAIDU_V1, BY_MEANING
from adapters.rules.messages import EMPTY, MessageRules
from adapters.rules.reasons import (
    ALWAYS_THINKS,
    NEVER_THINKS,
    OWN_SEARCH,
    RUNS_WITHOUT_THINKING,
    SENT_AS_IS,
    sent_as,
)
from adapters.rules.token_limits import send_token_limit
from adapters.rules.tools import Tools, check_tool_choice, send_tool_choice
from adapters.rules.verdicts import Choose, Clamp, Drop, Emulate, Honour, Refuse, Rename, Rewrite, by_fact

NO_PENALTY = Message("omitted: 0 means no penalty")
ONLY_DISCOURAGED = Message("the vendor can only penalize repetition, not reward it")
NO_STOP_STRING = Message("omitted: there is no stop string")
SENT_AS_LIST = Message("sent as a list")
RUNS_WITH_THINKING = Message("the request runs with thinking")

MIN_TEMPERATURE = 0.01
"""Sent for a temperature of 0, which the vendor refuses: the range excludes 0; the smallest value is not documented."""
SEEDS = 2**31 - 2
"""The largest seed; the smallest is 1."""
STOP_STRINGS, STOP_LENGTH = 4, 20
EFFORTS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
"""OpenAI's efforts as the vendor's three levels; all others are high."""
NO_TOOLS = Message("the vendor does not list this model as supporting tools: map the name to a model that does")
NO_STOP = Message("the model does not support stop strings: banjia cuts the answer")
SHORT_STOP = Message("the model accepts stop strings of at most 20 characters: banjia cuts the answer")
NO_JSON = Refuse(Message("the model returns plain text only"))


def resold(builder: RequestBuilder) -> bool:
    """Whether it is another maker's model, which has that maker's ranges."""
    return not builder.model.family and not builder.model.id.startswith(("ernie", "qianfan"))


def set_thinking(builder: RequestBuilder, on: bool) -> None:
    """Set ``enable_thinking``, the switch of hybrid models, which is off by default."""
    builder.body["enable_thinking"] = on


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


def seed(name: str, value: int, builder: RequestBuilder) -> None:
    """Send 1 to 2**31 - 2; reduce other seeds to that range, which is just as reproducible."""
    sent = value if 1 <= value <= SEEDS else value % SEEDS + 1
    builder.body[name] = sent
    builder.record(
        name,
        "honoured" if sent == value else "mapped",
        SENT_AS_IS if sent == value else sent_as(sent),
    )


def stop(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send up to four strings of 1 to 20 characters, as a list; banjia applies the others to the answer.

    The strings that the vendor accepts are sent in any case: it then stops generating, and billing, by itself.
    """
    texts = [text for text in ([value] if type(value) is str else value) if text]
    sent = [] if builder.model.facts.get("no_stop") else [text for text in texts if len(text) <= STOP_LENGTH]
    sent = sent[:STOP_STRINGS]
    if sent:
        builder.body[name] = sent
    if len(sent) < len(texts):
        builder.emulations["stop"] = texts
        builder.record(name, "emulated", NO_STOP if builder.model.facts.get("no_stop") else SHORT_STOP)
    elif not texts:
        builder.record(name, "mapped", NO_STOP_STRING)
    elif sent == value:
        builder.record(name, "honoured", SENT_AS_IS)
    else:
        builder.record(name, "mapped", SENT_AS_LIST, quiet=True)


def tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send any of OpenAI's four forms; a renamed tool has its new name."""
    check_tool_choice(name, value, builder)
    send_tool_choice(name, value, builder)


def response_format(name: str, value: Any, builder: RequestBuilder) -> None:
    """X1 and the writing models do not accept the field, those of 2024 do not accept json_schema."""
    if builder.model.facts.get("no_json"):
        NO_JSON.apply(name, value, builder)
    elif builder.model.facts.get("no_schema") and value["type"] == "json_schema":
        builder.refuse(name, Message("the model does not support json_schema: use json_object"))
    else:
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)


def effort(name: str, value: str, builder: RequestBuilder) -> None:
    """Send a level to models that have them; for others resolve_thinking has already switched thinking on or off."""
    if builder.model.facts.get("effort"):
        sent = EFFORTS.get(value, "high")
        builder.body[name] = sent
        builder.record(name, "honoured" if sent == value else "mapped", sent_as(sent))
    elif builder.thinks != (value in ("none", "minimal")):
        builder.record(
            name,
            "mapped",
            RUNS_WITH_THINKING if builder.thinks else RUNS_WITHOUT_THINKING,
        )
    else:
        builder.record(name, "dropped", ALWAYS_THINKS if builder.thinks else NEVER_THINKS)


def web_search(name: str, value: Any, builder: RequestBuilder) -> None:
    """Enable the vendor's own web search, which returns no annotations."""
    if "web_search" not in builder.request.fields:
        builder.body["web_search"] = {"enable": True}
    builder.record(name, "mapped", OWN_SEARCH)


PENALTY = Choose(
    (
        (resold, Honour()),
        (lambda builder: builder.thinks, Drop(Message("the model does not support it while thinking"))),
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
            (
                lambda builder: bool(builder.model.facts.get("no_temperature")),
                Drop(Message("the model does not accept temperature")),
            ),
        ),
        Clamp(MIN_TEMPERATURE, 1, Message("the vendor accepts values above 0, up to 1")),
    ),
    "n": Emulate("n", Message("the vendor returns one choice per call, so banjia makes one call per choice")),
    "frequency_penalty": PENALTY,
    "presence_penalty": PENALTY,
    "max_tokens": Rewrite(
        send_token_limit, Message("at most the model's own limit"), ("honoured", "mapped", "clamped")
    ),
    "max_completion_tokens": Rewrite(send_token_limit, sent_as("max_tokens"), ("mapped", "clamped")),
    "seed": by_fact(
        "no_seed",
        Drop(Message("the model does not support seed")),
        Rewrite(seed, Message("reduced to 31 bits"), ("honoured", "mapped")),
    ),
    "stop": Rewrite(
        stop,
        Message("four strings of at most 20 characters; banjia applies longer ones"),
        ("honoured", "mapped", "emulated"),
    ),
    "response_format": Rewrite(
        response_format, Message("text, json_object, json_schema"), ("honoured", "mapped", "refused")
    ),
    "tools": by_fact("no_tools", Refuse(NO_TOOLS), Tools()),
    "tool_choice": Rewrite(tool_choice, Message("none, auto, required or a named tool"), ("honoured", "refused")),
    "parallel_tool_calls": Honour(),
    "reasoning_effort": Rewrite(
        effort, Message("effort levels, or thinking on or off"), ("honoured", "mapped", "dropped")
    ),
    "metadata": Honour(Message("sent unchanged: the vendor labels its logs with it")),
    "user": Honour(),
    "safety_identifier": Rename("user"),
    "web_search_options": by_fact(
        "search",
        Rewrite(web_search, Message("the vendor's own web search"), ("mapped",)),
        Refuse(Message("the model has no web search, which the client would rely on")),
    ),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": REQUEST_FLOATS,
    "user": Honour(),
}


FAILURES = (
    # The code has two meanings: the request names no model (400), or the model does not exist (401).
    FailureRule("bad_request", code="invalid_model", text="model is empty"),
    FailureRule("model_not_found", code="invalid_model"),
    FailureRule("model_not_found", code="model_offline"),
    FailureRule("context", code="characters_too_long"),
    FailureRule("context", code="tokens_too_long"),
    FailureRule("context", text="prompt tokens too long"),
    FailureRule("inspection", code="image_url_unsafe"),
    FailureRule("inspection", code="system_unsafe"),
    FailureRule("inspection", code="user_setting_unsafe"),
    FailureRule("inspection", code="functions_unsafe"),
    FailureRule("inspection", type="unsafe_request"),
    FailureRule("key_refused", code="invalid_iam_token"),
    FailureRule("key_refused", code="invalid_appid"),
    # The account may not use a parameter of the request; the key is good and must not cool down.
    FailureRule("bad_request", code="no_parameter_permission"),
    FailureRule("no_funds", code="account_overdue"),
    FailureRule("no_funds", code="coding_plan_*"),
    FailureRule("rate_limited", code="rpm_rate_limit_exceeded", limit="requests_per_minute"),
    FailureRule("rate_limited", code="tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="input_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="output_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="user_rate_limit_exceeded"),
    FailureRule("rate_limited", code="cluster_*"),
    FailureRule("rate_limited", code="preemptible_*"),
    FailureRule("rate_limited", code="Offline_batch_reasoning_refused"),
    FailureRule("rate_limited", type="rate_limit_exceeded"),
    *BAIDU_V1,
    *BY_MEANING,
    FailureRule("vendor_error", code="internal_error"),
    FailureRule("vendor_error", code="dispatch_internal_error"),
    FailureRule("vendor_error", code="image_generation_interal_error"),  # the vendor's spelling
    FailureRule("vendor_error", type="Internal_error"),
    FailureRule("vendor_error", code="method_not_supported"),  # not the client's fault: the address is wrong
    FailureRule("bad_request", code="malformed_json"),
    FailureRule("bad_request", code="invalid_messages"),
    FailureRule("bad_request", code="invalid_argument"),
    FailureRule("bad_request", code="invalid_plugin_argument"),
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
    reasoning_switch=ReasoningSwitch(set_thinking),
    operations={
        "chat": Op(
            "/chat/completions",
            ernie_chat,
            CHAT,
            FAILURES,
            choice_members=frozenset({"flag", "ban_round"}),
            finish=request_usage,
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(16)),
    },
)
