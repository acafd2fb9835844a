"""What the tests of all emulators know of Zhipu."""

import openai

from emulators.zhipu.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="zhipu",
    model="glm-4.6",
    prefix="/api/paas/v4",
    variables=("ZHIPUAI_API_KEY", "ZHIPUAI_BASE_URL"),
    more_keys=("ZAI_API_KEY",),
    quiet={"thinking": {"type": "disabled"}},
    most_stops=1,
    errors={
        "overloaded": openai.RateLimitError,
        "quota": openai.RateLimitError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.BadRequestError,
    },
    models=MODELS,
    endpoints=(
        ("/chat/completions", "glm-4.6"),
        ("/chat/completions", "glm-5.3-flash"),
        ("/chat/completions", "glm-4v-plus"),
        ("/embeddings", "embedding-3"),
        ("/tokenizer", "glm-4.6v"),
    ),
)
