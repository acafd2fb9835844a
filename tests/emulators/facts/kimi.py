"""What the tests of all emulators know of Kimi."""

import openai

from emulators.kimi.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="kimi",
    model="kimi-k2.6",
    prefix="/v1",
    variables=("MOONSHOT_API_KEY", "MOONSHOT_BASE_URL"),
    more_keys=("KIMI_API_KEY",),
    quiet={"thinking": {"type": "disabled"}},
    schema_model="kimi-k2.6",
    errors={
        "overloaded": openai.RateLimitError,
        "quota": openai.RateLimitError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.NotFoundError,
    },
    models=MODELS,
    one_window=True,
    endpoints=(
        ("/chat/completions", "kimi-k2.6"),
        ("/chat/completions", "moonshot-v1-8k-vision-preview"),
        ("/tokenizers/estimate-token-count", "kimi-k2.6"),
    ),
)
