"""Maps finish reasons of vendors to OpenAI's five words."""

from collections.abc import Mapping
from typing import Any

from adapters.codecs.openai.errors import VENDOR, InvalidResponse, printable
from adapters.core.message import Message

OPENAI = ("stop", "length", "tool_calls", "content_filter", "function_call")

WORDS: Mapping[str, tuple[str, ...]] = {
    "stop": (
        *("eos", "eos_token", "end", "end_turn", "stop_sequence", "stop_sequences", "stopped", "complete", "completed"),
        *("done", "finish", "finished", "normal", "pause_turn", "other", "finish_reason_stop", "finish_reason_unspecified"),
    ),
    "length": (
        *("max_tokens", "max_output", "max_output_tokens", "model_length", "model_context_window_exceeded"),
        "repetition_truncation",
    ),
    "tool_calls": ("tool_use", "tool_call", "tools"),
    "content_filter": (
        *("sensitive", "safety", "recitation", "blocklist", "prohibited_content", "spii", "language", "image_safety"),
        *("content_filtered", "content_filter_stop", "guardrail_intervened", "refusal", "error_toxic"),
    ),
}  # fmt: skip
"""OpenAI's word -> words of vendors for it, in lower case: SiliconFlow (eos), TGI (eos_token), Anthropic (end_turn, tool_use …) and
Gemini (MAX_TOKENS, SAFETY …) behind gateways, Cohere (COMPLETE, ERROR_TOXIC), Mistral (model_length), Bedrock
(guardrail_intervened), ERNIE until 2025-03 (normal), Zhipu and Hunyuan (sensitive)."""

FINISH_REASONS: Mapping[str, str] = {
    **{word: word for word in OPENAI},
    **{word: openai_word for openai_word, words in WORDS.items() for word in words},
}

FAILED = frozenset(
    {
        "error",
        "abort",
        "aborted",
        "network_error",
        "insufficient_system_resource",
        "malformed_function_call",
        "cancelled",
    }
)
"""Finish reasons of an answer that the vendor failed to complete. vLLM and SGLang (abort), DeepSeek (aborted,
insufficient_system_resource), Zhipu (network_error), OpenRouter (error), Gemini (MALFORMED_FUNCTION_CALL)."""


def finish_reason(reason: Any, call_reason: str | None = None) -> str | None:
    """Return OpenAI's word for a finish reason; None if the choice continues. Raises InvalidResponse for FAILED.

    ``call_reason``: ``tool_calls`` or ``function_call`` if the choice has calls. It replaces ``stop``; without calls, a
    word for calls becomes ``stop``. An unknown word ends the answer as well: it becomes ``stop``.
    """
    if type(reason) is not str:
        return None
    openai_word = FINISH_REASONS.get(reason)
    if openai_word is None:
        word = reason.strip().lower()
        if word in ("", "null", "none"):
            return None
        if word in FAILED:
            raise InvalidResponse(
                "truncated",
                Message(
                    "{vendor} aborted the answer (finish_reason {reason}).",
                    vendor=VENDOR,
                    reason=printable(reason[:40]),
                ),
            )
        openai_word = FINISH_REASONS.get(word, "stop")
    return openai_word if openai_word in ("length", "content_filter") else call_reason or "stop"
