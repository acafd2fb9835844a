"""OpenRouter: other vendors' models under ids such as ``vendor/model``. Nearly all parameters are sent as they are.

Source: openrouter.ai/docs of November 2026, as collected in docs/vendors/presets.md. Its errors inside HTTP 200, in a body or
an event, are read by the codec; its moderation is among the shared rows.
"""

from adapters.rules.server_messages import ServerMessages
from adapters.vendors.openai_compatible import UNCHANGED, preset

OPENROUTER = preset(
    "openrouter",
    "OpenRouter",
    docs="https://openrouter.ai/docs/api/reference/overview",
    base_urls={"intl": "https://openrouter.ai/api/v1"},
    key_names=("OPENROUTER_API_KEY",),
    messages=ServerMessages(),
    chat=dict.fromkeys(("audio", "modalities", "verbosity", "web_search_options"), UNCHANGED),
    completions={},
    embeddings={},
)
