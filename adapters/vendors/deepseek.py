"""DeepSeek: OpenAI's chat API, with a switch for thinking, and features of its own under a second base path.

Sources: api-docs.deepseek.com (copies of 2024-06 to 2026-11), the vendor's agent client (2026-08) and reports of errors from
its host, as collected in docs/vendors/deepseek.md. Checked against the live service: never.
"""

from collections.abc import Mapping

from adapters.codecs.openai.chat import openai_chat
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.model import Model
from adapters.core.vendor import EarlierReasoning, Op, ReasoningSwitch, Vendor
from adapters.rules.defaults import OPENAI_CHAT
from adapters.rules.efforts import Efforts
from adapters.rules.failures import BY_MEANING
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import MessageRules
from adapters.rules.parameters import TOKEN_LIMITS
from adapters.rules.tool_choice import ToolChoice, forced_call
from adapters.rules.tools import Tools, strict_tools
from adapters.rules.verdicts import Choose, Drop, Honour, Rename, never

NO_EFFECT = Drop(Message("the vendor accepts the field and ignores it"))


def continues_prefix(builder: RequestBuilder) -> bool:
    """Whether the answer continues the last message, which has the vendor's ``prefix``."""
    return builder.body["messages"][-1].get("prefix") is True


def requests_logprobs(builder: RequestBuilder) -> bool:
    """Whether the request has ``logprobs: true``."""
    return builder.request.fields.get("logprobs") is True


def accepts_reasoning(builder: RequestBuilder) -> bool:
    """The R1 generation of 2025 answers 400 to reasoning in requests; other models ignore or require it."""
    return builder.model.family != "r1"


def requires_reasoning(model: Model) -> bool:
    """Whether a model requires the reasoning of earlier tool calls while it thinks: from V3.2 on."""
    return model.thinking != "never" and model.family != "r1"


CHAT: Mapping[str, Verdict] = {
    **OPENAI_CHAT,
    **TOKEN_LIMITS,
    "messages": MessageRules(
        part_roles={"user"}, image_details=frozenset({"low", "high"}), keeps_reasoning=accepts_reasoning
    ),
    "frequency_penalty": NO_EFFECT,
    "presence_penalty": NO_EFFECT,
    "logprobs": Honour(),
    # 400 without logprobs, also for 0
    "top_logprobs": Choose(((requests_logprobs, Honour()),), NO_EFFECT),
    "response_format": JsonMode(schema=never, word="json"),
    "tools": Tools(mixed_strict=False),
    # 400 "Thinking mode does not support this tool_choice"
    "tool_choice": ToolChoice("absent"),
    "reasoning_effort": Efforts({"low": ("low",), "high": ("medium", "high", "xhigh"), "max": ("max",)}),
    "user": Rename("user_id"),
    "safety_identifier": Rename("user_id"),
}

FAILURES = (
    FailureRule("inspection", status=400, text="content exists risk"),
    FailureRule("model_not_found", status=400, text="model not exist"),
    *BY_MEANING,
    FailureRule("rate_limited", status=429, limit="concurrency"),
    FailureRule("overloaded", status=503),
)

DEEPSEEK = Vendor(
    name="deepseek",
    rank=50,
    title="DeepSeek",
    docs="https://api-docs.deepseek.com/zh-cn/",
    base_urls={"cn": "https://api.deepseek.com"},
    auth=Bearer(),
    key_names=("DEEPSEEK_API_KEY",),
    optional_paths=("/v1", "/beta"),
    reasoning_switch=ReasoningSwitch.thinking_type(excludes={"tool_choice": forced_call()}),
    operations={
        "chat": Op(
            "/chat/completions",
            openai_chat,
            CHAT,
            FAILURES,
            # 400 "The `reasoning_content` in the thinking mode must be passed back to the API."; a space passes
            earlier_reasoning=EarlierReasoning(models=requires_reasoning, blank=" "),
            paths=((strict_tools, "/beta/chat/completions"), (continues_prefix, "/beta/chat/completions")),
        )
    },
)
