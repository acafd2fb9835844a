"""What the tests of all emulators know of Doubao."""

import openai

from emulators.doubao.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="doubao",
    model="doubao-seed-2-1-pro-260915",
    prefix="/api/v3",
    variables=("ARK_API_KEY", "ARK_BASE_URL"),
    more_variables=("VOLC_ACCESSKEY", "VOLC_SECRETKEY"),
    quiet={"thinking": {"type": "disabled"}},
    schema_model="doubao-seed-1-6-250615",
    errors={
        "overloaded": openai.RateLimitError,
        "quota": openai.PermissionDeniedError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.NotFoundError,
    },
    models=MODELS,
    endpoints=(
        ("/chat/completions", "doubao-seed-2-1-lite-260915"),
        ("/chat/completions", "doubao-seed-1-6-250615"),
        ("/chat/completions", "doubao-pro-32k-240615"),
        ("/embeddings", "doubao-embedding-text-240715"),
        ("/embeddings/multimodal", "doubao-embedding-vision-250615"),
        ("/tokenization", "doubao-pro-32k-240615"),
    ),
)
