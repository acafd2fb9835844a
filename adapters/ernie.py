"""ERNIE, of Baidu (Qianfan): the OpenAI-shaped v2 API. The v1 API of 2024 was shut down by Baidu on 2026-08-31.

Sources: the vendor's v2 chat, embeddings and error pages (error page: revision 2026-11-11), its page on thinking models,
its SDK (qianfan 0.4.12) and other gateways, as put together in docs/vendors/ernie.md. What a model can do is in its
catalog row; an id that the catalog does not know and that is none of Baidu's own is a model of another maker, resold.
Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.ernie import ernie_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.failures import Rule
from adapters.core.families import OPENAI_CHAT, OPENAI_EMBEDDINGS, ask_for_usage
from adapters.core.limits import limit
from adapters.core.params import (
    Choose,
    Clamp,
    Draft,
    Drop,
    Emulate,
    Honour,
    Refuse,
    Rename,
    Rewrite,
    Verdict,
    by_fact,
)
from adapters.core.thinking import Dial
from adapters.core.vectors import FLOATS_ASKED_FOR, SIZES, inputs
from adapters.core.vendor import Op, Vendor
from adapters.rules.alternating_messages import AlternatingMessages, Fillers
from adapters.rules.errors import BAIDU_V1, BY_MEANING
from adapters.rules.messages import EMPTY, MessageRules
from adapters.rules.tools import Tools, check_tool_choice, send_tool_choice

COLDEST = 0.01
"""What is sent for a temperature of 0, which the vendor refuses: the range is open there, and how near is not told."""
SEEDS = 2**31 - 2
"""How many seeds there are: 1 to 2**31 - 2."""
STOP_STRINGS, STOP_LENGTH = 4, 20
EFFORTS = {"none": "low", "minimal": "low", "low": "low", "medium": "medium"}
"""OpenAI's efforts as the vendor's three; whatever is not in here is high."""
NO_TOOLS = "the vendor does not list this model among those that take tools: map the name to one that it does"
NO_JSON = Refuse("this model writes plain text only")


def resold(draft: Draft) -> bool:
    """Whether it is another maker's model, which takes that maker's ranges."""
    return not draft.model.family and not draft.model.id.startswith(("ernie", "qianfan"))


def turn(draft: Draft, on: bool) -> None:
    """Models that can do both take ``enable_thinking``, which is off unless it is asked for."""
    draft.body["enable_thinking"] = on


def penalty(name: str, value: float, draft: Draft) -> None:
    """ERNIE has one ``penalty_score``, from 1 (none) to 2: the stronger of OpenAI's two is said by it.

    The scale is our choice, so that 0 stays "no penalty"; what rewards repetition can't be said.
    """
    fields = draft.ask.fields
    strongest = max(fields.get("frequency_penalty") or 0, fields.get("presence_penalty") or 0)
    score = 1 + strongest / 2
    if value == 0:
        draft.tell(name, "mapped", "no penalty, said by leaving it out")
    elif "penalty_score" in fields:
        draft.tell(name, "dropped", "the request has a penalty_score of its own")
    elif value < 0:
        draft.tell(name, "dropped", "the vendor can only discourage repetition")
    else:
        draft.body["penalty_score"] = score
        which = "sent" if value == strongest else "the stronger of the two penalties is sent,"
        draft.tell(name, "mapped", f"{which} as a penalty_score of {score:g}")


def seed(name: str, value: int, draft: Draft) -> None:
    """1 to 2**31 - 2; another one is folded into that range, which repeats just as well."""
    sent = value if 1 <= value <= SEEDS else value % SEEDS + 1
    draft.body[name] = sent
    draft.tell(
        name, "honoured" if sent == value else "mapped", "sent as it came" if sent == value else f"sent as {sent}"
    )


def stop(name: str, value: Any, draft: Draft) -> None:
    """At most four strings of 1 to 20 characters, as a list. What is beyond that is cut off by us.

    The strings that the vendor takes are sent all the same: it then stops writing, and billing, by itself.
    """
    texts = [text for text in ([value] if type(value) is str else value) if text]
    taken = [] if draft.model.facts.get("no_stop") else [text for text in texts if len(text) <= STOP_LENGTH]
    taken = taken[:STOP_STRINGS]
    if taken:
        draft.body[name] = taken
    if len(taken) < len(texts):
        draft.emulate["stop"] = texts
        limited = "no stop strings" if draft.model.facts.get("no_stop") else "stop strings of at most 20 characters"
        draft.tell(name, "emulated", f"the model takes {limited}: the answer is cut by us")
    elif not texts:
        draft.tell(name, "mapped", "no stop string, said by leaving it out")
    elif taken == value:
        draft.tell(name, "honoured", "sent as it came")
    else:
        draft.tell(name, "mapped", "sent as a list", quiet=True)


def tool_choice(name: str, value: Any, draft: Draft) -> None:
    """OpenAI's four forms are taken; a tool is named by the name under which it is offered."""
    check_tool_choice(name, value, draft)
    send_tool_choice(name, value, draft)


def response_format(name: str, value: Any, draft: Draft) -> None:
    """X1 and the writing models take no such field, those of 2024 no json_schema."""
    if draft.model.facts.get("no_json"):
        NO_JSON.apply(name, value, draft)
    elif draft.model.facts.get("no_schema") and value["type"] == "json_schema":
        draft.refuse(name, "this model writes JSON, but by no schema: json_object is what it takes")
    else:
        draft.body[name] = value
        draft.tell(name, "honoured", "sent as it came")


def effort(name: str, value: str, draft: Draft) -> None:
    """Levels where the model has them, else thinking or not, which has been settled by now."""
    if draft.model.facts.get("effort"):
        sent = EFFORTS.get(value, "high")
        draft.body[name] = sent
        draft.tell(name, "honoured" if sent == value else "mapped", f"sent as {sent}")
    elif draft.thinks != (value in ("none", "minimal")):
        draft.tell(name, "mapped", "the request runs with thinking" if draft.thinks else "it runs without thinking")
    else:
        draft.tell(name, "dropped", f"the model {'always thinks' if draft.thinks else 'does not think'}")


def web_search(name: str, value: Any, draft: Draft) -> None:
    """The vendor's own search, without OpenAI's annotations."""
    if "web_search" not in draft.ask.fields:
        draft.body["web_search"] = {"enable": True}
    draft.tell(name, "mapped", "the vendor's own search is switched on; it gives no annotations")


PENALTY = Choose(
    (
        (resold, Honour()),
        (lambda draft: draft.thinks, Drop("the model has no such setting while it thinks")),
    ),
    Rewrite(penalty, "sent as penalty_score", ("mapped", "dropped")),
)

MESSAGES = AlternatingMessages(
    MessageRules(),
    later_system="user",
    empty_result=EMPTY,
    empty_turn=EMPTY,
    fillers=Fillers(first=EMPTY, between=EMPTY, last="Continue."),
)
"""The order that a public copy of the vendor's page asks for: system or user first, user or tool last, and the two sides
in turn between. A last message that is blank is refused: 400 ``invalid_messages``.
"""

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MESSAGES,
    "temperature": Choose(
        (
            (resold, Honour()),
            (lambda draft: bool(draft.model.facts.get("no_temperature")), Drop("the model refuses a temperature")),
        ),
        Clamp(COLDEST, 1, "the vendor takes more than 0, up to 1"),
    ),
    "n": Emulate("n", "the vendor gives one choice a call: the others are asked for by us"),
    "frequency_penalty": PENALTY,
    "presence_penalty": PENALTY,
    "max_tokens": Rewrite(limit, "up to the model's own limit", ("honoured", "mapped", "clamped")),
    "max_completion_tokens": Rewrite(limit, "sent as max_tokens", ("mapped", "clamped")),
    "seed": by_fact(
        "no_seed", Drop("the model takes no seed"), Rewrite(seed, "folded into 31 bits", ("honoured", "mapped"))
    ),
    "stop": Rewrite(
        stop, "four strings of 20 characters; longer ones are cut by us", ("honoured", "mapped", "emulated")
    ),
    "response_format": Rewrite(response_format, "text, json_object, json_schema", ("honoured", "mapped", "refused")),
    "tools": by_fact("no_tools", Refuse(NO_TOOLS), Tools()),
    "tool_choice": Rewrite(tool_choice, "none, auto, required or a tool by name", ("honoured", "refused")),
    "parallel_tool_calls": Honour(),
    "reasoning_effort": Rewrite(effort, "levels, or thinking on or off", ("honoured", "mapped", "dropped")),
    "metadata": Honour("sent as it came: the vendor labels its logs with it"),
    "user": Honour(),
    "safety_identifier": Rename("user"),
    "web_search_options": by_fact(
        "search",
        Rewrite(web_search, "the vendor's own search", ("mapped",)),
        Refuse("the caller would rely on the search, and this model has none"),
    ),
}


EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": FLOATS_ASKED_FOR,
    "user": Honour(),
}


FAILURES = (
    # The code stands for two things: no model was named (400), or there is no such model, which is a 401.
    Rule("bad_request", code="invalid_model", text="model is empty"),
    Rule("model_not_found", code="invalid_model"),
    Rule("model_not_found", code="model_offline"),
    Rule("context", code="characters_too_long"),
    Rule("context", code="tokens_too_long"),
    Rule("context", text="prompt tokens too long"),
    Rule("inspection", code="image_url_unsafe"),
    Rule("inspection", code="system_unsafe"),
    Rule("inspection", code="user_setting_unsafe"),
    Rule("inspection", code="functions_unsafe"),
    Rule("inspection", type="unsafe_request"),
    Rule("key_refused", code="invalid_iam_token"),
    Rule("key_refused", code="invalid_appid"),
    # Not the key is refused but what the request asks for: the key must not rest for it.
    Rule("bad_request", code="no_parameter_permission"),
    Rule("no_funds", code="account_overdue"),
    Rule("no_funds", code="coding_plan_*"),
    Rule("rate_limited", code="rpm_rate_limit_exceeded", limit="requests_per_minute"),
    Rule("rate_limited", code="tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    Rule("rate_limited", code="input_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    Rule("rate_limited", code="output_tpm_rate_limit_exceeded", limit="tokens_per_minute"),
    Rule("rate_limited", code="user_rate_limit_exceeded"),
    Rule("rate_limited", code="cluster_*"),
    Rule("rate_limited", code="preemptible_*"),
    Rule("rate_limited", code="Offline_batch_reasoning_refused"),
    Rule("rate_limited", type="rate_limit_exceeded"),
    *BAIDU_V1,
    *BY_MEANING,
    Rule("vendor_error", code="internal_error"),
    Rule("vendor_error", code="dispatch_internal_error"),
    Rule("vendor_error", code="image_generation_interal_error"),  # the vendor's spelling
    Rule("vendor_error", type="Internal_error"),
    Rule("vendor_error", code="method_not_supported"),  # not our caller's doing: the address is wrong
    Rule("bad_request", code="malformed_json"),
    Rule("bad_request", code="invalid_messages"),
    Rule("bad_request", code="invalid_argument"),
    Rule("bad_request", code="invalid_plugin_argument"),
    Rule("bad_request", code="invalid_image_*"),
    Rule("bad_request", type="invalid_request_error"),
)

ERNIE = Vendor(
    name="ernie",
    title="ERNIE",
    docs="https://cloud.baidu.com/doc/qianfan-docs/",
    base_urls={"cn": "https://qianfan.baidubce.com/v2"},
    auth=Bearer(),
    key_names=("QIANFAN_API_KEY", "QIANFAN_BEARER_TOKEN"),
    dial=Dial(turn),
    operations={
        "chat": Op(
            "/chat/completions",
            ernie_chat,
            CHAT,
            FAILURES,
            choice_members=frozenset({"flag", "ban_round"}),
            finish=ask_for_usage,
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(16)),
    },
)
