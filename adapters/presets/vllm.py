"""vLLM: OpenAI's parameters as they are. It calls tools only if it was started with the options for that.

Source: vLLM's own source of autumn 2026, as collected in docs/vendors/presets.md. Its errors are among the shared rows:
an int as ``code``, and 401 with a bare string.
"""

from adapters.vendors.openai_compatible import preset

VLLM = preset(
    "vllm",
    "vLLM",
    docs="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    base_urls={"local": "http://localhost:8000/v1"},
    completions={},
    embeddings={},
)
