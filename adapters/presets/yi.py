"""01.AI's Yi (零一万物): a chat API of few parameters, and tools with one model only.

Sources: gateways and price lists of 2024 to 2026, as collected in docs/vendors/presets.md; the vendor's own pages are not
public any more. Checked against the live service: never.
"""

from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.rules.defaults import FIRST_CALL_ONLY, NO_LOGPROBS, NO_TOOLS, NOT_IN_API, ONE_CALL_PER_CHOICE, OPENAI_CHAT
from adapters.rules.json_mode import JsonMode
from adapters.rules.parameters import TOP_P_BELOW_ONE, Stops
from adapters.rules.verdicts import Clamp, Drop, Rename, by_fact, never
from adapters.vendors.openai_compatible import UNCHANGED, preset

YI = preset(
    "yi",
    "Yi",
    docs="https://platform.lingyiwanwu.com/docs",
    base_urls={"cn": "https://api.lingyiwanwu.com/v1", "intl": "https://api.01.ai/v1"},
    key_names=("YI_API_KEY", "ZEROONE_API_KEY"),
    chat={
        "max_completion_tokens": Rename("max_tokens"),
        "temperature": Clamp(0, 1.99, Message("the vendor accepts 0 to just below 2")),
        "top_p": TOP_P_BELOW_ONE,
        "n": ONE_CALL_PER_CHOICE,
        "tools": by_fact("no_tools", NO_TOOLS, UNCHANGED),
        "stop": Stops(accepted=never),
        "response_format": JsonMode(json=never, schema=never),
        "parallel_tool_calls": FIRST_CALL_ONLY,
        "logprobs": NO_LOGPROBS,
        "top_logprobs": NO_LOGPROBS,
        "seed": OPENAI_CHAT["seed"],
        "reasoning_effort": OPENAI_CHAT["reasoning_effort"],
        **dict.fromkeys(("frequency_penalty", "logit_bias", "presence_penalty", "user"), Drop(NOT_IN_API)),
    },
    failures=(FailureRule("context", status=400, text="less than or equal to the model's context"),),
)
