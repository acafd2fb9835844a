"""What the tests of all emulators know of ERNIE."""

import openai

from emulators.ernie.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="ernie",
    model="ernie-4.5-turbo-vl",
    prefix="/v2",
    variables=("QIANFAN_API_KEY", "QIANFAN_BASE_URL"),
    more_keys=("QIANFAN_BEARER_TOKEN",),
    schema_model="ernie-5.1",
    chunk="chat.completion",
    errors={
        "overloaded": openai.RateLimitError,
        "quota": openai.PermissionDeniedError,
        "inspection": openai.PermissionDeniedError,
        "model_missing": openai.AuthenticationError,
    },
    models=MODELS,
    endpoints=(
        ("/chat/completions", "ernie-4.5-turbo-vl"),
        ("/chat/completions", "ernie-3.5-8k"),
        ("/embeddings", "bge-large-zh"),
    ),
)
