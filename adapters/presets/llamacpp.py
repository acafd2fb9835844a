"""llama.cpp's server: OpenAI's parameters as they are, except that no single tool can be named.

Source: llama.cpp's ``tools/server`` of autumn 2026, as collected in docs/vendors/presets.md.
"""

from adapters.rules.tool_choice import ToolChoice
from adapters.rules.verdicts import never
from adapters.vendors.openai_compatible import CHOSEN_TOOLS, preset

LLAMACPP = preset(
    "llamacpp",
    "llama.cpp",
    docs="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    base_urls={"local": "http://localhost:8080/v1"},
    # It reads none, auto and required; anything but a string counts as auto.
    chat={"tools": CHOSEN_TOOLS, "tool_choice": ToolChoice(named=never)},
    completions={},
    embeddings={},
)
