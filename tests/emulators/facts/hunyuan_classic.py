"""What the tests of all emulators know of Hunyuan's classic edition, on the port of TokenHub."""

import openai

from emulators.hunyuan.classic.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="hunyuan",
    model="hunyuan-turbos-latest",
    prefix="/classic/v1",
    variables=("HUNYUAN_API_KEY", "HUNYUAN_BASE_URL"),
    errors={
        "overloaded": openai.InternalServerError,
        "quota": openai.APIStatusError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.NotFoundError,
    },
    models=MODELS,
    endpoints=(
        ("/chat/completions", "hunyuan-a13b"),
        ("/chat/completions", "hunyuan-vision"),
        ("/embeddings", "hunyuan-embedding"),
    ),
)
