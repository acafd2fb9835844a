"""SenseTime's SenseNova (商汤日日新): its compatible mode, with limits, images and errors of its own.

Sources: the vendor's SDK of 2024, its pages of 2025 and gateways, as collected in docs/vendors/presets.md. Its native API and
the token platform of 2026 are not part of it. Checked against the live service: never.
"""

from dataclasses import dataclass

from adapters.core.builder import RequestBuilder
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.rules.defaults import FIRST_CALL_ONLY, NO_LOGPROBS, NOT_IN_API, ONE_CALL_PER_CHOICE, OPENAI_CHAT
from adapters.rules.failures import NO_FUNDS, by_code
from adapters.rules.json_mode import JsonMode
from adapters.rules.messages import MessageDict, image_of
from adapters.rules.parameters import TOP_P_BELOW_ONE, Stops
from adapters.rules.server_messages import ServerMessages
from adapters.rules.verdicts import Clamp, Drop, Rename, never
from adapters.vendors.openai_compatible import preset

IMAGES_REWRITTEN = Message("images are sent in the vendor's format")


@dataclass(frozen=True, slots=True)
class SenseNovaMessages(ServerMessages):
    """Messages whose images are strings: ``image_url`` with a URL, or ``image_base64`` with the data alone."""

    def part(self, where: str, part: MessageDict, builder: RequestBuilder) -> MessageDict:
        """Return the part; an image in the vendor's format."""
        if part["type"] != "image_url":
            return part
        url = str(image_of(part).get("url") or "")
        builder.record("messages.content", "mapped", IMAGES_REWRITTEN, quiet=True)
        head, comma, data = url.partition(",")
        if comma and head.startswith("data:") and head.endswith(";base64"):
            return {"type": "image_base64", "image_base64": data}
        return {"type": "image_url", "image_url": url}


SENSENOVA = preset(
    "sensenova",
    "SenseNova",
    docs="https://platform.sensenova.cn/",
    base_urls={"cn": "https://api.sensenova.cn/compatible-mode/v1"},
    key_names=("SENSENOVA_API_KEY",),
    messages=SenseNovaMessages(developer_as="system"),
    chat={
        "max_tokens": Rename("max_new_tokens"),
        "max_completion_tokens": Rename("max_new_tokens"),
        "temperature": Clamp(0.01, 2, Message("the vendor accepts values above 0, up to 2")),
        "top_p": TOP_P_BELOW_ONE,
        "n": ONE_CALL_PER_CHOICE,
        "stop": Stops(accepted=never),
        "response_format": JsonMode(json=never, schema=never),
        "parallel_tool_calls": FIRST_CALL_ONLY,
        "logprobs": NO_LOGPROBS,
        "top_logprobs": NO_LOGPROBS,
        "seed": OPENAI_CHAT["seed"],
        **dict.fromkeys(("frequency_penalty", "logit_bias", "presence_penalty"), Drop(NOT_IN_API)),
    },
    failures=(
        *NO_FUNDS,
        *by_code("inspection", "17", "18"),
        FailureRule("key_refused", code="16"),
        FailureRule("forbidden", code="7"),
        FailureRule("rate_limited", code="8"),
        FailureRule("model_not_found", code="5"),
    ),
)
