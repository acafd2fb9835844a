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
from adapters.core.vendor import Op, ReasoningSwitch, Vendor
from adapters.rules.alternating_messages import AlternatingMessages
from adapters.rules.defaults import NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS, request_usage
from adapters.rules.embeddings import ENCODE_BASE64, SIZES, inputs
from adapters.rules.failures import BY_MEANING, TENCENT
from adapters.rules.messages import MessageRules, vendor_tool_name
from adapters.rules.reasons import NO_SUCH_SWITCH, OWN_SEARCH, RUNS_WITHOUT_THINKING, SENT_AS_IS, sent_as
from adapters.rules.token_limits import send_token_limit
from adapters.rules.tools import Tools, check_tool_choice, forces_call, send_tool_choice
from adapters.rules.verdicts import Drop, Emulate, Honour, Refuse, Rewrite, by_fact

NO_LEVELS = Message("the model has no effort levels, only thinking on or off")
FORCED_TOOL = Message("sent as custom, with the tool that must be called")

SEEDS = 10_000
"""The largest seed of the classic host; the smallest is 1."""

ONE_CALL_PER_CHOICE = Emulate("n", Message("banjia makes one call per choice"))
NO_PARALLEL_SWITCH = Drop(Message("the vendor has no such parameter: an answer may contain several tool calls"))
TOOLS = by_fact(
    "no_tools", Refuse(Message("the model does not support tools: map the name to a model that does")), Tools()
)


LIMIT = Rewrite(
    send_token_limit, Message("sent as max_tokens; reasoning tokens count as well"), ("honoured", "mapped", "clamped")
)

# --- TokenHub ---


def set_thinking(builder: RequestBuilder, on: bool) -> None:
    """Set ``thinking``; Hy models do not think by default."""
    builder.body["thinking"] = {"type": "enabled" if on else "disabled"}


def excludes(builder: RequestBuilder) -> Message | None:
    """Return why the request can't run with thinking: a forced tool call, since thinking models only accept auto."""
    return (
        Message("a tool call cannot be forced while the model thinks")
        if forces_call(builder.request.fields.get("tool_choice"))
        else None
    )


def tool_choice(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send OpenAI's values; refuse a forced call while the model thinks."""
    check_tool_choice(name, value, builder)
    if builder.thinks and excludes(builder):
        builder.refuse(
            name, Message("a tool call cannot be forced while the model thinks: turn thinking off for this name")
        )
    send_tool_choice(name, value, builder)


def effort(name: str, value: str, builder: RequestBuilder) -> None:
    """Send low, medium or high; resolve_thinking has already switched thinking on or off."""
    off = value in ("none", "minimal")
    if off is builder.thinks or not (off or builder.model.facts.get("effort")):
        builder.record(name, "dropped", NO_SUCH_SWITCH)
    elif off:
        builder.record(name, "mapped", RUNS_WITHOUT_THINKING)
    else:
        builder.body[name] = value if value in ("low", "medium") else "high"
        builder.record(
            name,
            "honoured" if builder.body[name] == value else "mapped",
            sent_as(builder.body[name]),
        )


def search(name: str, value: Any, builder: RequestBuilder) -> None:
    """Enable the vendor's own web search, which has no options."""
    builder.body[name] = {"enable": True}
    builder.record(name, "mapped", OWN_SEARCH)


def response_format(name: str, value: Any, builder: RequestBuilder) -> None:
    """hy3 accepts json_object and json_schema; other models only json_object, or neither."""
    if builder.model.facts.get("no_json"):
        NO_JSON.apply(name, value, builder)
    elif builder.model.facts.get("no_schema") and value["type"] == "json_schema":
        builder.refuse(name, Message("the model does not support json_schema: map the name to hy3"))
    else:
        builder.body[name] = value
        builder.record(name, "honoured", SENT_AS_IS)


NO_JSON = Refuse(Message("the model has no JSON mode, and banjia does not emulate it: map the name to hy3"))
MAY_BE_IGNORED = Honour(Message("sent unchanged; the vendor says that some models ignore it"))

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_detail=False),
    "frequency_penalty": MAY_BE_IGNORED,
    "presence_penalty": MAY_BE_IGNORED,
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n": ONE_CALL_PER_CHOICE,
    "parallel_tool_calls": NO_PARALLEL_SWITCH,
    "reasoning_effort": Rewrite(
        effort, Message("low, medium, high, or thinking off"), ("honoured", "mapped", "dropped")
    ),
    "response_format": Rewrite(
        response_format,
        Message("json_object and json_schema, depending on the model"),
        ("honoured", "mapped", "refused"),
    ),
    "seed": Honour(),
    "tools": TOOLS,
    "tool_choice": Rewrite(
        tool_choice, Message("a forced tool call cannot be combined with thinking"), ("honoured", "refused")
    ),
    "web_search_options": Rewrite(search, Message("the vendor's own web search"), ("mapped",)),
}

EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": ENCODE_BASE64,
}

FAILURES = (
    FailureRule("context", code="400003"),
    FailureRule("model_not_found", code="400004"),
    FailureRule("model_not_found", code="401006"),
    FailureRule("no_funds", code="401007"),
    FailureRule("no_funds", code="401008"),
    FailureRule("no_funds", code="403004"),
    FailureRule("no_funds", code="429004"),  # tokens per day: waiting does not help
    FailureRule("inspection", code="451001"),
    FailureRule("inspection", type="content_filter_error"),
    *TENCENT,
    *BY_MEANING,
    FailureRule("model_not_found", status=403, text="model"),  # the key is valid, but not for this model
    FailureRule("overloaded", code="429006"),
    FailureRule("overloaded", code="503001"),
    FailureRule("overloaded", status=503),
    FailureRule("bad_request", code="4000*"),
    FailureRule("bad_request", code="413001"),
    FailureRule("key_refused", code="4010*"),
    FailureRule("forbidden", code="4030*"),
    FailureRule("rate_limited", code="429002", limit="requests_per_minute"),
    FailureRule("rate_limited", code="429003", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="429005", limit="concurrency"),
    FailureRule("rate_limited", code="4290*"),
)


# --- classic ---


def set_thinking_classic(builder: RequestBuilder, on: bool) -> None:
    """Set ``enable_thinking``; hunyuan-a13b thinks by default, the others always or never."""
    builder.body["enable_thinking"] = on


def effort_classic(name: str, value: str, builder: RequestBuilder) -> None:
    """Record the verdict: there are no levels, and resolve_thinking has already switched thinking on or off."""
    met = builder.thinks != (value in ("none", "minimal"))
    builder.record(name, "mapped" if met else "dropped", NO_LEVELS)


def seed(name: str, value: int, builder: RequestBuilder) -> None:
    """Send 1 to 10000; map other seeds into that range, which is just as reproducible."""
    builder.body[name] = (value - 1) % SEEDS + 1
    builder.record(
        name,
        "honoured" if builder.body[name] == value else "mapped",
        Message("mapped into the range 1 to {most}", most=SEEDS),
    )


def stop_classic(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send a list, the only form that the old platform is known to accept; it leaves the match in the answer."""
    STOP.apply(name, [value] if type(value) is str else value, builder)


def tool_choice_classic(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send none, auto, or ``custom`` with the one tool that must be called."""
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
        builder.refuse(name, Message("the vendor can force a call of a single tool only: name one function of tools"))
    builder.body[name] = "custom"
    builder.body["custom_tool"] = tools[0]
    builder.record(name, "mapped", FORCED_TOOL)


def search_classic(name: str, value: Any, builder: RequestBuilder) -> None:
    """Enable the vendor's own web search, which returns no annotations."""
    builder.body["enable_enhancement"] = True
    builder.record(name, "mapped", OWN_SEARCH)


STOP = Emulate("stop", Message("the vendor leaves the stop string in the answer: banjia cuts it off"), sent=True)

CLASSIC_CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": AlternatingMessages(MessageRules(names=False, image_detail=False), most=40, reasoning=False),
    "frequency_penalty": Drop(NOT_IN_API),
    "presence_penalty": Drop(NOT_IN_API),
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n": ONE_CALL_PER_CHOICE,
    "parallel_tool_calls": NO_PARALLEL_SWITCH,
    "reasoning_effort": Rewrite(
        effort_classic, Message("thinking on or off, only at hunyuan-a13b"), ("mapped", "dropped")
    ),
    "response_format": Refuse(
        Message("this API has no JSON mode, and banjia does not emulate it: use edition tokenhub")
    ),
    "seed": Rewrite(seed, Message("mapped into the range 1 to 10000"), ("honoured", "mapped")),
    "stop": Rewrite(stop_classic, Message("banjia cuts the stop string off"), ("emulated", "mapped", "refused")),
    "tools": TOOLS,
    "tool_choice": Rewrite(
        tool_choice_classic, Message("none, auto, or a single tool"), ("honoured", "mapped", "refused")
    ),
    "web_search_options": by_fact(
        "no_search",
        Refuse(Message("the model has no web search: map the name to a model that has")),
        Rewrite(search_classic, Message("the vendor's own web search"), ("mapped",)),
    ),
}


CLASSIC_FAILURES = (
    *TENCENT,
    *BY_MEANING,
    FailureRule("bad_request", code="1001"),
    FailureRule("bad_request", type="invalid_request_error", status=400),
    FailureRule("bad_request", type="invalid_request_error", status=200),
    FailureRule("overloaded", status=503),
)

HUNYUAN_CLASSIC = Vendor(
    name="hunyuan",
    edition="classic",
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1729/111007",
    base_urls={"cn": "https://api.hunyuan.cloud.tencent.com/v1"},
    auth=Bearer(),
    key_names=("HUNYUAN_API_KEY",),
    reasoning_switch=ReasoningSwitch(set_thinking_classic),
    operations={
        "chat": Op("/chat/completions", openai_chat, CLASSIC_CHAT, CLASSIC_FAILURES, finish=request_usage),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, CLASSIC_FAILURES, max_inputs=inputs(50)),
    },
)

HUNYUAN = Vendor(
    name="hunyuan",
    rank=40,
    usual_edition="tokenhub",
    editions={"classic": HUNYUAN_CLASSIC},
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1823",
    base_urls={"cn": "https://tokenhub.tencentmaas.com/v1", "intl": "https://tokenhub-intl.tencentmaas.com/v1"},
    auth=Bearer(),
    key_names=("TOKENHUB_API_KEY",),
    reasoning_switch=ReasoningSwitch(set_thinking, excludes),
    operations={
        "chat": Op("/chat/completions", openai_chat, CHAT, FAILURES, finish=request_usage),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(50)),
    },
)
