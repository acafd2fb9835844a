"""Qwen, of Alibaba Cloud (Model Studio, Bailian, DashScope): the OpenAI-shaped ``compatible-mode`` API.

Sources: help.aliyun.com Chat API reference (2025-12 and mid-2026), error codes (2025-12), embeddings (2025), the
vendor's SDK (dashscope 2.0.2) and recorded traffic, as put together in docs/vendors/qwen.md. What a model can do is
in its catalog row. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.failures import Rule
from adapters.core.families import NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS, ask_for_usage
from adapters.core.limits import limit
from adapters.core.params import Clamp, Draft, Drop, Honour, Refuse, Rewrite, Verdict, by_fact
from adapters.core.thinking import Dial
from adapters.core.vectors import FLOATS_ASKED_FOR, SIZES, inputs
from adapters.core.vendor import Op, Vendor
from adapters.rules.errors import BY_MEANING
from adapters.rules.messages import MessageRules
from adapters.rules.tools import Tools, check_tool_choice, forces, send_tool_choice

SEEDS = 2**31
BUDGETS = {"low": 1024, "medium": 4096, "high": 16384}
"""Tokens of reasoning for OpenAI's efforts: our choice, as the vendor names no equivalents."""
EFFORTS = {"low": "low", "medium": "medium", "high": "xhigh", "xhigh": "xhigh", "max": "xhigh"}
"""OpenAI's efforts for the models that have levels (qwen3.8): low, medium and xhigh are theirs."""


def turn(draft: Draft, on: bool) -> None:
    """Hybrid models take ``enable_thinking``; which way they lean by themselves is in the catalog."""
    draft.body["enable_thinking"] = on


def excludes(draft: Draft) -> str | None:
    """What can't be had together with thinking: JSON mode, and a forced call."""
    fields = draft.ask.fields
    if (fields.get("response_format") or {}).get("type") == "json_object":
        return "JSON mode and thinking exclude each other"
    if forces(fields.get("tool_choice")):
        return "a call can't be forced while the model thinks"
    return None


def prevents(draft: Draft) -> str | None:
    """Open Qwen3 thinks in streams only: 400 "parameter.enable_thinking must be set to false for non-streaming calls".

    For which models that still holds is not told; the open ones are those that think by themselves.
    """
    opened = draft.model.family == "qwen3" and draft.model.thinking == "default_on"
    return "the model thinks in streams only" if opened and not draft.ask.stream else None


def seed(name: str, value: int, draft: Draft) -> None:
    """0 to 2**31 - 1; a larger one is folded into that range, which repeats just as well."""
    if value < 0:
        draft.tell(name, "dropped", "the vendor takes no negative seeds")
        return
    draft.body[name] = value % SEEDS
    draft.tell(name, "honoured" if value < SEEDS else "mapped", "folded into 31 bits")


def choices(name: str, value: int, draft: Draft) -> None:
    """1 to 4 choices from some models, and one only beside tools: 400 "Range of n should be [1, 4]"."""
    many = draft.model.facts.get("many_choices") and not draft.thinks and not draft.ask.fields.get("tools")
    if value > (4 if many else 1):
        gives = "at most four choices" if many else "one choice here"
        draft.make_up(name, "n", value, f"the model gives {gives}, and a call is made for each")
        return
    draft.body[name] = value
    draft.tell(name, "honoured", "sent as it came")


def response_format(name: str, value: dict[str, Any], draft: Draft) -> None:
    """JSON mode wants the word json in the messages, and no thinking; schemas only the models on the vendor's list."""
    kind = value["type"]
    if kind == "json_schema" and not draft.model.facts.get("json_schema"):
        draft.refuse(name, "this model has json_object only, and schemas are not emulated yet")
    if kind == "json_object" and draft.model.facts.get("no_json"):
        draft.refuse(name, "this model has no JSON mode")
    if kind == "json_object" and draft.thinks:
        draft.refuse(name, "the model has no JSON mode while it thinks: turn thinking off for this name")
    draft.body[name] = value
    draft.tell(name, "honoured", "sent as it came")
    if kind == "json_object" and "json" not in str(draft.body.get("messages")).lower():
        hint = {"role": "system", "content": "Answer with a JSON object."}
        draft.body["messages"] = [hint, *draft.body["messages"]]
        draft.tell("messages", "mapped", "a line was added, since the vendor's JSON mode wants the word json")


def tool_choice(name: str, value: Any, draft: Draft) -> None:
    """``required`` is taken by newer models only; with a single tool its name says the same."""
    check_tool_choice(name, value, draft)
    if draft.thinks and forces(value):
        draft.refuse(name, "the model can't be made to call a tool while it thinks: turn thinking off for this name")
    if value == "required" and not draft.model.facts.get("required_tool_choice"):
        tools = draft.body.get("tools") or []
        if len(tools) != 1:
            draft.refuse(name, "this model can't be made to call one of several tools: name the tool")
        draft.body[name] = {"type": "function", "function": {"name": tools[0]["function"]["name"]}}
        draft.tell(name, "mapped", "the only tool is named")
        return
    send_tool_choice(name, value, draft)


def effort(name: str, value: str, draft: Draft) -> None:
    """Levels on qwen3.8; elsewhere thinking with a budget, or none."""
    off = value in ("none", "minimal")
    if off is draft.thinks:
        draft.tell(name, "dropped", "the model has no such switch")
    elif off:
        draft.tell(name, "mapped", "the request runs without thinking")
    elif draft.model.facts.get("effort"):
        draft.body[name] = EFFORTS[value]
        draft.tell(name, "honoured" if EFFORTS[value] == value else "mapped", f"sent as {EFFORTS[value]}")
    else:
        budget = BUDGETS.get(value)
        if budget is not None:
            draft.body.setdefault("thinking_budget", budget)
        draft.tell(name, "mapped", f"thinking with a budget of {budget or 'any'} tokens")


def web_search(name: str, value: Any, draft: Draft) -> None:
    """The vendor's own search, without OpenAI's annotations."""
    draft.body["enable_search"] = True
    draft.tell(name, "mapped", "the vendor's own search is switched on; it gives no annotations")


def gives_logprobs(draft: Draft) -> bool:
    """Some models do, and none while it thinks."""
    return bool(draft.model.facts.get("logprobs")) and not draft.thinks


NO_LOGPROBS = Refuse("the caller would read them, and this model gives none")


def finish(draft: Draft) -> None:
    """What hangs on several fields: usage in streams, parallel calls as OpenAI has them, models that only stream."""
    ask_for_usage(draft)
    if draft.model.facts.get("stream_only") and not draft.ask.stream:
        draft.refuse("stream", "this model only streams, and its pieces are not put together yet: send stream: true")
    if draft.model.facts.get("no_system") and any(m["role"] == "system" for m in draft.body["messages"]):
        draft.refuse("messages", "this model takes no system message")
    if draft.body.get("tools") and "parallel_tool_calls" not in draft.body:
        draft.add("parallel_tool_calls", True)  # the vendor's default is false, OpenAI's is true
        draft.tell("parallel_tool_calls", "mapped", "OpenAI's default, said aloud", quiet=True)


CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_detail=False),
    "temperature": Clamp(0, 1.99, "the vendor takes 0 to just under 2"),
    "top_p": Clamp(0.001, 1, "the vendor takes more than 0"),
    "n": Rewrite(choices, "up to four from some models, else a call for each", ("honoured", "emulated", "refused")),
    "frequency_penalty": Drop(NOT_IN_API),
    "max_tokens": Rewrite(limit, "up to the model's own limit", ("honoured", "mapped", "clamped")),
    "max_completion_tokens": Rewrite(limit, "older models call it max_tokens", ("honoured", "mapped", "clamped")),
    "seed": Rewrite(seed, "31 bits", ("honoured", "mapped", "dropped")),
    "logprobs": by_fact("logprobs", Honour(), Refuse("the caller would read them, and this model has none")),
    "top_logprobs": by_fact(
        "logprobs",
        Clamp(0, 5, "the vendor gives at most five"),
        Refuse("the caller would read them, and this model has none"),
    ),
    "response_format": Rewrite(response_format, "JSON mode without thinking", ("honoured", "refused")),
    "parallel_tool_calls": Honour(),
    "tools": by_fact("no_tools", Refuse("this model takes no tools"), Tools(taken=("search",))),
    "tool_choice": Rewrite(tool_choice, "a forced call excludes thinking", ("honoured", "mapped", "refused")),
    "reasoning_effort": Rewrite(effort, "levels, a budget, or thinking off", ("mapped", "honoured", "dropped")),
    "web_search_options": Rewrite(web_search, "the vendor's own search", ("mapped",)),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": FLOATS_ASKED_FOR,
}


FAILURES = (
    Rule("context", text="range of input length should be"),
    Rule("inspection", code="data_inspection_failed"),
    Rule("inspection", code="DataInspectionFailed"),
    Rule("no_funds", code="Arrearage"),
    Rule("no_funds", code="AllocationQuota.FreeTierOnly"),
    Rule("no_funds", code="CommodityNotPurchased"),
    Rule("no_funds", code="PrepaidBillOverdue"),
    Rule("no_funds", code="PostpaidBillOverdue"),
    Rule("no_funds", code="BudgetLimitExceeded"),
    # OpenAI's code of this name means money; here it is the tokens of a minute, and passes.
    Rule("rate_limited", code="insufficient_quota"),
    Rule("rate_limited", code="limit_*"),
    Rule("rate_limited", code="Throttling*"),
    Rule("key_refused", code="invalid_api_key"),
    Rule("key_refused", code="InvalidApiKey"),
    Rule("model_not_found", code="model_not_found"),
    Rule("model_not_found", code="model_not_supported"),
    Rule("model_not_found", code="ModelNotFound"),
    Rule("model_not_found", code="Model.AccessDenied"),
    Rule("model_not_found", text="model not exist"),
    *BY_MEANING,
    Rule("forbidden", code="AccessDenied*"),
    Rule("forbidden", code="access_denied"),
    Rule("forbidden", code="Workspace.AccessDenied"),
    Rule("forbidden", code="WorkSpaceNotFound"),
    Rule("overloaded", status=503),
    Rule("vendor_error", code="RequestTimeOut"),
    Rule("bad_request", code="invalid_parameter_error"),
    Rule("bad_request", code="InvalidParameter*"),
    Rule("bad_request", code="BadRequest*"),
    Rule("bad_request", code="UnsupportedOperation"),
    Rule("bad_request", code="InvalidURL"),
    Rule("bad_request", code="CustomRoleBlocked"),
    Rule("bad_request", code="FaqRuleBlocked"),
    Rule("bad_request", code="IPInfringementSuspect"),
)

QWEN = Vendor(
    name="qwen",
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
    dial=Dial(turn, excludes, prevents),
    operations={
        "chat": Op("/chat/completions", openai_chat, CHAT, FAILURES, finish=finish),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(10)),
    },
)
