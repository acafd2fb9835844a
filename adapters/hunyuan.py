"""Hunyuan, of Tencent, in two editions: TokenHub, the platform of today, and the classic OpenAI-shaped host before it.

Sources: Tencent Cloud's TokenHub documentation (language models 2026-06, thinking 2026-05, errors), the pages of the
old platform on its OpenAI-shaped API (to 2026-01), the vendor's SDK (hunyuan/v20230901) whose field texts the classic
host follows, and reports of 400s, as put together in docs/vendors/hunyuan.md. The classic platform was announced to end
on 2026-09-30. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.failures import Rule
from adapters.core.families import NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS, ask_for_usage
from adapters.core.limits import limit
from adapters.core.params import Draft, Drop, Emulate, Honour, Refuse, Rewrite, Verdict, by_fact
from adapters.core.thinking import Dial
from adapters.core.vectors import BASE64_BY_US, SIZES, inputs
from adapters.core.vendor import Op, Vendor
from adapters.rules.alternating_messages import AlternatingMessages
from adapters.rules.errors import BY_MEANING, TENCENT
from adapters.rules.messages import MessageRules, renamed
from adapters.rules.tools import Tools, check_tool_choice, forces, send_tool_choice

SEEDS = 10_000
"""The classic host takes seeds from 1 to this."""

ONE_BY_ONE = Emulate("n", "each answer is asked for in a call of its own")
SEVERAL_CALLS = Drop("the vendor has no such switch: several calls may come")
TOOLS = by_fact("no_tools", Refuse("this model takes no tools: map the name to one that does"), Tools())


LIMIT = Rewrite(limit, "sent as max_tokens; reasoning counts too", ("honoured", "mapped", "clamped"))

# --- TokenHub ---


def turn(draft: Draft, on: bool) -> None:
    """Hy models don't think unless told to."""
    draft.body["thinking"] = {"type": "enabled" if on else "disabled"}


def excludes(draft: Draft) -> str | None:
    """Between thoughts the model chooses its tools itself: ``tool_choice`` knows only auto then."""
    return "a call can't be forced while the model thinks" if forces(draft.ask.fields.get("tool_choice")) else None


def tool_choice(name: str, value: Any, draft: Draft) -> None:
    """OpenAI's words, but for a forced call while the model thinks."""
    check_tool_choice(name, value, draft)
    if draft.thinks and excludes(draft):
        draft.refuse(name, "the model can't be made to call a tool while it thinks: turn thinking off for this name")
    send_tool_choice(name, value, draft)


def effort(name: str, value: str, draft: Draft) -> None:
    """low, medium and high; thinking on or off has been settled by now."""
    off = value in ("none", "minimal")
    if off is draft.thinks or not (off or draft.model.facts.get("effort")):
        draft.tell(name, "dropped", "the model has no such switch")
    elif off:
        draft.tell(name, "mapped", "the request runs without thinking")
    else:
        draft.body[name] = value if value in ("low", "medium") else "high"
        draft.tell(name, "honoured" if draft.body[name] == value else "mapped", f"sent as {draft.body[name]}")


def search(name: str, value: Any, draft: Draft) -> None:
    """The vendor's own search, which takes no more than a switch."""
    draft.body[name] = {"enable": True}
    draft.tell(name, "mapped", "the vendor's own search is switched on; it gives no annotations")


def response_format(name: str, value: Any, draft: Draft) -> None:
    """Both kinds at hy3; no schema, or neither, at others."""
    if draft.model.facts.get("no_json"):
        NO_JSON.apply(name, value, draft)
    elif draft.model.facts.get("no_schema") and value["type"] == "json_schema":
        draft.refuse(name, "this model writes JSON, but by no schema: map the name to hy3")
    else:
        draft.body[name] = value
        draft.tell(name, "honoured", "sent as it came")


NO_JSON = Refuse("this model has no JSON mode, and it is not emulated yet: map the name to hy3")
LOOSE = Honour("sent as it came; the vendor says that some models ignore it")

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, image_detail=False),
    "frequency_penalty": LOOSE,
    "presence_penalty": LOOSE,
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n": ONE_BY_ONE,
    "parallel_tool_calls": SEVERAL_CALLS,
    "reasoning_effort": Rewrite(effort, "low, medium, high, or thinking off", ("honoured", "mapped", "dropped")),
    "response_format": Rewrite(
        response_format, "json_object and json_schema, by model", ("honoured", "mapped", "refused")
    ),
    "seed": Honour(),
    "tools": TOOLS,
    "tool_choice": Rewrite(tool_choice, "a forced call excludes thinking", ("honoured", "refused")),
    "web_search_options": Rewrite(search, "the vendor's own search", ("mapped",)),
}

EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": BASE64_BY_US,
}

FAILURES = (
    Rule("context", code="400003"),
    Rule("model_not_found", code="400004"),
    Rule("model_not_found", code="401006"),
    Rule("no_funds", code="401007"),
    Rule("no_funds", code="401008"),
    Rule("no_funds", code="403004"),
    Rule("no_funds", code="429004"),  # the tokens of a day: waiting does not help
    Rule("inspection", code="451001"),
    Rule("inspection", type="content_filter_error"),
    *TENCENT,
    *BY_MEANING,
    Rule("model_not_found", status=403, text="model"),  # the key is good, but not for this model
    Rule("overloaded", code="429006"),
    Rule("overloaded", code="503001"),
    Rule("overloaded", status=503),
    Rule("bad_request", code="4000*"),
    Rule("bad_request", code="413001"),
    Rule("key_refused", code="4010*"),
    Rule("forbidden", code="4030*"),
    Rule("rate_limited", code="429002", limit="requests_per_minute"),
    Rule("rate_limited", code="429003", limit="tokens_per_minute"),
    Rule("rate_limited", code="429005", limit="concurrency"),
    Rule("rate_limited", code="4290*"),
)


# --- classic ---


def turn_classic(draft: Draft, on: bool) -> None:
    """hunyuan-a13b thinks unless told not to; the others always do or never."""
    draft.body["enable_thinking"] = on


def effort_classic(name: str, value: str, draft: Draft) -> None:
    """No levels: thinking or not, which has been settled by now."""
    met = draft.thinks != (value in ("none", "minimal"))
    draft.tell(name, "mapped" if met else "dropped", "there are no levels: the model thinks or not")


def seed(name: str, value: int, draft: Draft) -> None:
    """1 to 10000; any other is folded into that range, which repeats just as well."""
    draft.body[name] = (value - 1) % SEEDS + 1
    draft.tell(name, "honoured" if draft.body[name] == value else "mapped", f"folded into 1 to {SEEDS}")


def stop_classic(name: str, value: Any, draft: Draft) -> None:
    """As a list, in which form alone the old platform is known to take it; the match stays in its answer."""
    STOP.apply(name, [value] if type(value) is str else value, draft)


def tool_choice_classic(name: str, value: Any, draft: Draft) -> None:
    """none, auto, and ``custom`` with the one tool that must be called."""
    check_tool_choice(name, value, draft)
    if not forces(value):
        draft.body[name] = value
        draft.tell(name, "honoured", "sent as it came")
        return
    tools = draft.body.get("tools") or []
    if type(value) is dict:
        wanted = renamed(draft, str((value.get("function") or {}).get("name")))
        tools = [tool for tool in tools if tool["function"]["name"] == wanted]
    if len(tools) != 1:
        draft.refuse(name, "this vendor can be made to call one tool only: name a function of tools")
    draft.body[name] = "custom"
    draft.body["custom_tool"] = tools[0]
    draft.tell(name, "mapped", "the tool is sent as the one that must be called")


def search_classic(name: str, value: Any, draft: Draft) -> None:
    """The vendor's own search, without OpenAI's annotations."""
    draft.body["enable_enhancement"] = True
    draft.tell(name, "mapped", "the vendor's own search is switched on; it gives no annotations")


STOP = Emulate("stop", "the vendor leaves the match in its answer: it is cut off", sent=True)

CLASSIC_CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": AlternatingMessages(MessageRules(names=False, image_detail=False), most=40, reasoning=False),
    "frequency_penalty": Drop(NOT_IN_API),
    "presence_penalty": Drop(NOT_IN_API),
    "max_tokens": LIMIT,
    "max_completion_tokens": LIMIT,
    "n": ONE_BY_ONE,
    "parallel_tool_calls": SEVERAL_CALLS,
    "reasoning_effort": Rewrite(effort_classic, "thinking on or off, at hunyuan-a13b", ("mapped", "dropped")),
    "response_format": Refuse("this API has no JSON mode, and it is not emulated yet: edition tokenhub has one"),
    "seed": Rewrite(seed, "1 to 10000", ("honoured", "mapped")),
    "stop": Rewrite(stop_classic, "cut off by us", ("emulated", "mapped", "refused")),
    "tools": TOOLS,
    "tool_choice": Rewrite(tool_choice_classic, "none, auto, or one tool", ("honoured", "mapped", "refused")),
    "web_search_options": by_fact(
        "no_search",
        Refuse("this model does not search: map the name to one that does"),
        Rewrite(search_classic, "the vendor's own search", ("mapped",)),
    ),
}


CLASSIC_FAILURES = (
    *TENCENT,
    *BY_MEANING,
    Rule("bad_request", code="1001"),
    Rule("bad_request", type="invalid_request_error", status=400),
    Rule("bad_request", type="invalid_request_error", status=200),
    Rule("overloaded", status=503),
)

HUNYUAN_CLASSIC = Vendor(
    name="hunyuan",
    edition="classic",
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1729/111007",
    base_urls={"cn": "https://api.hunyuan.cloud.tencent.com/v1"},
    auth=Bearer(),
    key_names=("HUNYUAN_API_KEY",),
    dial=Dial(turn_classic),
    operations={
        "chat": Op("/chat/completions", openai_chat, CLASSIC_CHAT, CLASSIC_FAILURES, finish=ask_for_usage),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, CLASSIC_FAILURES, max_inputs=inputs(50)),
    },
)

HUNYUAN = Vendor(
    name="hunyuan",
    usual_edition="tokenhub",
    editions={"classic": HUNYUAN_CLASSIC},
    title="Hunyuan",
    docs="https://cloud.tencent.com/document/product/1823",
    base_urls={"cn": "https://tokenhub.tencentmaas.com/v1", "intl": "https://tokenhub-intl.tencentmaas.com/v1"},
    auth=Bearer(),
    key_names=("TOKENHUB_API_KEY",),
    dial=Dial(turn, excludes),
    operations={
        "chat": Op("/chat/completions", openai_chat, CHAT, FAILURES, finish=ask_for_usage),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(50)),
    },
)
