"""What the tests of all emulators know of Qwen."""

import openai

from emulators.qwen.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="qwen",
    model="qwen-plus",
    prefix="/compatible-mode/v1",
    variables=("DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
    schema_model="qwen3.7-plus",
    errors={
        "overloaded": openai.InternalServerError,
        "quota": openai.BadRequestError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.NotFoundError,
    },
    models=MODELS,
    special=("qwen-mt-", "qwen-long"),  # translation_options, and files
    endpoints=(
        ("/chat/completions", "qwen-plus"),
        ("/chat/completions", "qwen3.8-max"),
        ("/embeddings", "text-embedding-v4"),
    ),
)
