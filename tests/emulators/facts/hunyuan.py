"""What the tests of all emulators know of Hunyuan on TokenHub."""

import openai

from emulators.hunyuan.tokenhub.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="hunyuan",
    model="hy3",
    prefix="/v1",
    variables=("TOKENHUB_API_KEY", "TOKENHUB_BASE_URL"),
    more_keys=("TENCENT_TOKENHUB_API_KEY",),
    schema_model="hy3",
    errors={
        "overloaded": openai.RateLimitError,
        "quota": openai.APIStatusError,
        "inspection": openai.APIStatusError,
        "model_missing": openai.BadRequestError,
    },
    models=MODELS,
    endpoints=(("/chat/completions", "hy3"), ("/embeddings", "kinfra-text-embedding-0.6b")),
)
