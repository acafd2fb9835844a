"""SGLang: OpenAI's parameters as they are. It calls tools only if it was started with ``--tool-call-parser``.

Source: SGLang's own source of 2026, as collected in docs/vendors/presets.md; its flat error objects are not certain.
"""

from adapters.vendors.openai_compatible import preset

SGLANG = preset(
    "sglang",
    "SGLang",
    docs="https://docs.sglang.ai/basic_usage/openai_api_completions.html",
    base_urls={"local": "http://localhost:30000/v1"},
    completions={},
    embeddings={},
)
