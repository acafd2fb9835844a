"""SiliconFlow: open models of several makers, on one host for the mainland and one for other countries.

Source: SiliconFlow's published description of its API (August 2026), as collected in docs/vendors/presets.md. Its error codes
are among the shared rows; 401, 403, 404 and 504 are bare strings.
"""

from adapters.rules.defaults import FIRST_CALL_ONLY, NO_LOGPROBS, NOT_IN_API, OPENAI_CHAT
from adapters.rules.json_mode import JsonMode
from adapters.rules.server_messages import ServerMessages
from adapters.rules.verdicts import Drop, Rename, always, never
from adapters.vendors.openai_compatible import preset

SILICONFLOW = preset(
    "siliconflow",
    "SiliconFlow",
    docs="https://docs.siliconflow.cn/",
    base_urls={"cn": "https://api.siliconflow.cn/v1", "intl": "https://api.siliconflow.com/v1"},
    key_names=("SILICONFLOW_API_KEY",),
    messages=ServerMessages(developer_as="system", null_content=False),
    chat={
        "max_completion_tokens": Rename("max_tokens"),
        "response_format": JsonMode(json=always, schema=never),
        "parallel_tool_calls": FIRST_CALL_ONLY,
        "logprobs": NO_LOGPROBS,
        "top_logprobs": NO_LOGPROBS,
        "seed": OPENAI_CHAT["seed"],
        **dict.fromkeys(("logit_bias", "presence_penalty", "user"), Drop(NOT_IN_API)),
    },
    embeddings={"user": Drop(NOT_IN_API)},
)
