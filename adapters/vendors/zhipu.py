"""Zhipu, of Zhipu AI (BigModel in China, Z.ai elsewhere): the GLM models, with an API close to OpenAI's.

Sources: the vendor's API description of its international host (2026-08), its SDKs (zai-sdk 0.2.3, zhipuai 2.1.5), pages of
docs.bigmodel.cn on chat, thinking, prices and error codes (copies of 2025 to 2026-10), and reports of errors from its
hosts, as collected in docs/vendors/zhipu.md. Checked against the live service: never.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import EarlierReasoning, Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import NO_TOOLS, NOT_IN_API, OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.efforts import Efforts
from adapters.rules.embeddings import ENCODE_BASE64, SIZES, inputs
from adapters.rules.failures import BY_MEANING, by_code
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import NO_DETAILS, MessageRules
from adapters.rules.parameters import TOKEN_LIMITS, Stops
from adapters.rules.reasons import OWN_SEARCH, SENT_AS_USER
from adapters.rules.tool_choice import ToolChoice
from adapters.rules.tools import Tools
from adapters.rules.verdicts import Clamp, Drop, Honour, Refuse, Rename, Rewrite, by_fact, by_family, never

USER_ID_SIZES = (6, 128)
USER_ID_SIZE = Message("the vendor accepts only 6 to 128 characters")
NO_USER = Message("the vendor requires a user message: send one")
NO_STRICT = Message("the vendor's tools have no strict")
NAME_AS_DESCRIPTION = Message("the vendor requires a description: the name is sent as one")
SEARCH = {"type": "web_search", "web_search": {"enable": True}}

SEND_USER_ID = Rename("user_id")


def user_id(name: str, value: str, builder: RequestBuilder) -> None:
    """Send the id if the vendor accepts its length: 400 with code 1214 otherwise."""
    shortest, longest = USER_ID_SIZES
    if shortest <= len(value) <= longest:
        SEND_USER_ID.apply(name, value, builder)
    else:
        builder.record(name, "dropped", USER_ID_SIZE)


def web_search(name: str, value: Any, builder: RequestBuilder) -> None:
    """Add the vendor's search, which is a tool, unless the request has it. It returns no annotations."""
    tools = builder.body.get("tools") or []
    if all(tool["type"] != "web_search" for tool in tools):
        builder.body["tools"] = [*tools, SEARCH]
    builder.record(name, "mapped", OWN_SEARCH)


def require_user(builder: RequestBuilder) -> None:
    """Send the last system message as a user message if there is none: 400 with code 1214 otherwise. Raises Refused."""
    messages = builder.body["messages"]
    roles = [message["role"] for message in messages]
    if "user" in roles:
        return
    if "system" not in roles:
        builder.refuse("messages", NO_USER)
    last = len(roles) - 1 - roles[::-1].index("system")
    builder.body["messages"] = [*messages[:last], {**messages[last], "role": "user"}, *messages[last + 1 :]]
    builder.record("messages", "mapped", SENT_AS_USER)


def describe_tools(builder: RequestBuilder) -> None:
    """Give each function a description, which the vendor requires, and omit ``strict``, which it does not have."""
    builder.body["tools"] = [
        _described(tool, builder) if tool["type"] == "function" else tool for tool in builder.body["tools"]
    ]


def _described(tool: dict[str, Any], builder: RequestBuilder) -> dict[str, Any]:
    function = dict(tool["function"])
    if function.pop("strict", None):
        builder.record("tools.function.strict", "dropped", NO_STRICT)
    if not function.get("description"):
        function["description"] = function["name"]
        builder.record("tools.function.description", "mapped", NAME_AS_DESCRIPTION)
    return {**tool, "function": function}


def interleaves_thinking(model: Model) -> bool:
    """Whether a model reads its reasoning next to the results of tool calls: from GLM-4.5 on."""
    return model.thinking != "never" and model.family != "z1"


USER_ID = Rewrite(user_id, Message("sent as user_id, if it has 6 to 128 characters"), ("mapped", "dropped"))

CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    "messages": MessageRules(names=False, bare_images=True, image_details=NO_DETAILS, part_roles={"user"}),
    # From GLM-4.5 on, a third decimal is a 400 with code 1210.
    "temperature": Clamp(0, 1, Message("the vendor accepts 0 to 1, with two decimals"), decimals=2),
    "top_p": Clamp(0.01, 1, Message("the vendor accepts 0.01 to 1, with two decimals"), decimals=2),
    "frequency_penalty": Drop(NOT_IN_API),
    "presence_penalty": Drop(NOT_IN_API),
    **TOKEN_LIMITS,
    "stop": Stops(most=1, as_list=True),
    # json_schema is answered with 200 and ignored.
    "response_format": JsonMode(schema=never),
    "tools": by_fact("no_tools", NO_TOOLS, Tools(types=("function", "web_search", "retrieval", "mcp"))),
    # 400 "tool_choice 参数非法。请检查文档"
    "tool_choice": ToolChoice(forces=never, none=never),
    "reasoning_effort": by_family(
        {"glm-5.3": Efforts({"low": ("none", "minimal", "low"), "high": ("medium", "high"), "max": ("xhigh", "max")})},
        Efforts({"high": ("low", "medium", "high"), "max": ("xhigh", "max")}),
    ),
    "user": USER_ID,
    "safety_identifier": USER_ID,
    "web_search_options": by_fact(
        "no_search",
        Refuse(Message("the model has no web search: map the name to a model that has")),
        Rewrite(web_search, Message("the vendor's own web search"), ("mapped",)),
    ),
}

EMBEDDINGS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": SIZES,
    "encoding_format": ENCODE_BASE64,
    "user": Honour(),
}

FAILURES = (
    *by_code("key_refused", "1000", "1001", "1002", "1003", "1004"),
    *by_code("forbidden", "1110", "1111", "1112", "1121", "1220"),
    # With 429: in arrears, a cap of a day, of a plan's window, week or month, an expired plan. Waiting a moment does not help.
    *by_code("no_funds", "1113", "1304", "1308", "1309", "1310"),
    # 1311: the plan lacks the model; the key is valid for others.
    *by_code("model_not_found", "1211", "1221", "1222", "1311"),
    FailureRule("context", code="1261"),
    *by_code("inspection", "1300", "1301"),
    FailureRule("rate_limited", code="1302", limit="concurrency"),
    FailureRule("rate_limited", code="1303", limit="requests_per_minute"),
    *by_code("rate_limited", "1305", "1313"),
    *by_code("overloaded", "1100", "1120", "1312"),
    *by_code("vendor_error", "500", "1200", "1230", "1234"),
    *by_code("bad_request", "1210", "1212", "1213", "1214", "1215", "1231"),
    *BY_MEANING,
    FailureRule("forbidden", status=434),  # no access to a feature that needs approval
    FailureRule("bad_request", status=435),  # a file over 100 MB
)

ZHIPU = Vendor(
    name="zhipu",
    rank=60,
    title=Message("Zhipu"),
    docs="https://docs.bigmodel.cn/",
    base_urls={"cn": "https://open.bigmodel.cn/api/paas/v4", "intl": "https://api.z.ai/api/paas/v4"},
    auth=Bearer(),
    key_names=("ZHIPUAI_API_KEY", "ZAI_API_KEY", "BIGMODEL_API_KEY"),
    # GLM-5.3 always thinks: 400 with code 1210 for disabled.
    reasoning_switch=ReasoningSwitch.thinking_type(),
    operations={
        "chat": Op(
            "/chat/completions",
            openai_chat,
            CHAT,
            FAILURES,
            finish={"messages": require_user, "tools": describe_tools},
            earlier_reasoning=EarlierReasoning(interleaves_thinking),
        ),
        "embeddings": Op("/embeddings", openai_embeddings, EMBEDDINGS, FAILURES, max_inputs=inputs(64)),
    },
)
