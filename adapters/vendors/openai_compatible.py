"""Any server with OpenAI's protocol of which nothing more is known: vLLM, Ollama, llama.cpp, SiliconFlow, OpenAI.

The table is transparent: banjia sends a request unchanged except for the model's name, and requests usage in streams,
to count tokens. How the server handles a field is up to the server. Sources for the errors: OpenAI's guide to error codes
(2024 to 2026), and the formats of vLLM, llama.cpp and SiliconFlow as collected in docs/vendors/openai_compatible.md.
"""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.chat import openai_chat
from adapters.codecs.openai.completions import openai_completions
from adapters.codecs.openai.embeddings import openai_embeddings
from adapters.codecs.openai.moderations import openai_moderations
from adapters.core.auth import Bearer
from adapters.core.builder import RequestBuilder, Verdict
from adapters.core.failures import FailureRule
from adapters.core.message import Message
from adapters.core.request import Operation
from adapters.core.vendor import Op, Vendor
from adapters.openai_params.chat import CHAT
from adapters.openai_params.completions import COMPLETIONS
from adapters.openai_params.operations import MODERATIONS
from adapters.rules.defaults import OPENAI_CHAT, OPENAI_EMBEDDINGS
from adapters.rules.embeddings import SIZES
from adapters.rules.failures import BY_MEANING, MINIMAX_INSIDE_200, MONEY, by_code
from adapters.rules.reasons import SENT_AS_IS
from adapters.rules.server_messages import ServerMessages
from adapters.rules.verdicts import Honour, Rewrite, by_fact

SWITCH_UNKNOWN = Message("banjia does not know how to control thinking on this server: set the server's own field")


def thinking(name: str, value: Any, builder: RequestBuilder) -> None:
    """Send the server's own object; drop banjia's vendor-neutral word, for which servers have no common equivalent."""
    if type(value) is str:
        builder.record(name, "dropped", SWITCH_UNKNOWN)
        return
    builder.body[name] = value
    builder.record(name, "honoured", SENT_AS_IS)


UNCHANGED = Honour()

PARAMS: Mapping[str, Verdict] = {
    **dict.fromkeys(CHAT, UNCHANGED),
    "thinking": Rewrite(thinking, Message("the server's own object is sent unchanged"), ("honoured", "dropped")),
}

VECTORS: Mapping[str, Verdict] = {
    **OPENAI_EMBEDDINGS,
    "dimensions": by_fact("prefix_dimensions", SIZES, UNCHANGED),
    "user": UNCHANGED,
}

SILICONFLOW = (
    FailureRule("model_not_found", code="20012"),
    FailureRule("overloaded", code="50505"),
    FailureRule("no_funds", status=MONEY, code="30001"),
    FailureRule("no_funds", status=MONEY, code="30011"),
)
"""SiliconFlow's codes (its published description; 30001 and 30011 by public reports)."""

OPENROUTER = (
    # The message ends with "No credits were charged", which is not about the account's funds.
    FailureRule("inspection", status=403, text="your input was flagged"),
)
"""OpenRouter's moderation, which is a 403 (public reports)."""

FAILURES = (
    *MINIMAX_INSIDE_200,
    *SILICONFLOW,
    *OPENROUTER,
    FailureRule("inspection", code="content_filter"),
    FailureRule("inspection", code="content_policy_violation"),
    # OpenAI: "Rate limit reached for … on requests per min (RPM): Limit 3, Used 3, …"; others: "… RPM: 500, …".
    FailureRule("rate_limited", status=429, text="per day", limit="day"),
    *BY_MEANING,
    FailureRule(
        "rate_limited", status=429, text="requests per min", limit="requests_per_minute", figure=r"limit:? (\d{1,9})\b"
    ),
    FailureRule("rate_limited", status=429, text="RPM: ", limit="requests_per_minute", figure=r"RPM: (\d{1,9})"),
    FailureRule(
        "rate_limited", status=429, text="concurrency: ", limit="concurrency", figure=r"concurrency: (\d{1,9})"
    ),
    FailureRule("rate_limited", status=429, text="tokens per min", limit="tokens_per_minute"),
    FailureRule("rate_limited", code="rate_limit_exceeded"),
    *by_code("key_refused", "invalid_api_key", "account_deactivated"),
    FailureRule("model_not_found", code="model_not_found"),
    FailureRule("overloaded", type="unavailable_error"),  # llama.cpp, while it loads the model
    FailureRule("overloaded", status=503),
    FailureRule("bad_request", type="invalid_request_error", status=frozenset({200, 400})),
    FailureRule("bad_request", type="BadRequestError"),  # vLLM
)

CHOICE_MEMBERS = frozenset(
    [
        *("content_filter_results", "content_filter_result", "content_filter_offsets"),  # Azure
        *("stop_reason", "token_ids", "prompt_logprobs", "prompt_token_ids"),  # vLLM
        "matched_stop",  # SGLang
        "native_finish_reason",  # OpenRouter
        "moderation_hit_type",  # Ark
    ]
)

OPENAI_COMPATIBLE = Vendor(
    name="openai_compatible",
    title=Message("The server"),
    docs="https://platform.openai.com/docs/api-reference",
    base_urls={},
    auth=Bearer(),
    key_names=(),
    transparent=True,
    operations={
        "chat": Op("/chat/completions", openai_chat, PARAMS, FAILURES, choice_members=CHOICE_MEMBERS),
        "completions": Op(
            "/completions",
            openai_completions,
            dict.fromkeys(COMPLETIONS, UNCHANGED),
            FAILURES,
            choice_members=CHOICE_MEMBERS,
        ),
        "embeddings": Op("/embeddings", openai_embeddings, VECTORS, FAILURES),
        "moderations": Op("/moderations", openai_moderations, dict.fromkeys(MODERATIONS, UNCHANGED), FAILURES),
    },
)


ONLY_OPENAI = (
    *("audio", "function_call", "functions", "metadata", "modalities", "moderation", "prediction", "prompt_cache_key"),
    *("prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier", "store", "verbosity"),
    "web_search_options",
)
"""Parameters that exist at OpenAI only; the servers of presets ignore them silently."""

PRESET_CHAT: Mapping[str, Verdict] = {**PARAMS, **{name: OPENAI_CHAT[name] for name in ONLY_OPENAI}}
"""The chat table of a preset that names nothing: functions become tools, and what only OpenAI has is dropped or refused."""

CHOSEN_TOOLS = Honour(Message("sent unchanged, without those that tool_choice excludes"), ("honoured", "mapped"))
"""The verdict on ``tools`` of a server that has some choices in the form of fewer tools only."""


def preset(
    name: str,
    title: str,
    *,
    docs: str,
    base_urls: Mapping[str, str],
    key_names: tuple[str, ...] = (),
    chat: Mapping[str, Verdict] | None = None,
    messages: Verdict | None = None,
    completions: Mapping[str, Verdict] | None = None,
    embeddings: Mapping[str, Verdict] | None = None,
    embeddings_urls: Mapping[str, str] | None = None,
    failures: tuple[FailureRule, ...] = (),
) -> Vendor:
    """Return a preset: a server with OpenAI's protocol of which the address and some differences are known.

    ``chat``, ``completions`` and ``embeddings`` have the verdicts that differ from those above; without the last two, the
    server lacks the operation. ``embeddings_urls``: the base URLs of embeddings, if they differ. ``failures`` come before
    the shared rows. A preset without ``key_names`` needs no API key, and is used only if the configuration names it.
    """
    chat_table = {**PRESET_CHAT, "messages": messages or ServerMessages(developer_as="system"), **(chat or {})}
    rows = (*failures, *FAILURES)
    operations: dict[Operation, Op] = {
        "chat": Op("/chat/completions", openai_chat, chat_table, rows, choice_members=CHOICE_MEMBERS)
    }
    if completions is not None:
        table = {**dict.fromkeys(COMPLETIONS, UNCHANGED), **completions}
        operations["completions"] = Op("/completions", openai_completions, table, rows, choice_members=CHOICE_MEMBERS)
    if embeddings is not None:
        operations["embeddings"] = Op(
            "/embeddings", openai_embeddings, {**VECTORS, **embeddings}, rows, base_urls=embeddings_urls or {}
        )
    return Vendor(
        name=name,
        title=title,
        docs=docs,
        base_urls=base_urls,
        auth=Bearer(),
        key_names=key_names,
        operations=operations,
        transparent=True,
        preset=True,
        keyless=not key_names,
        rank=PRESET_RANK,
    )


PRESET_RANK = 200
"""After all vendors with a table of their own; among themselves, presets are ordered by name."""
