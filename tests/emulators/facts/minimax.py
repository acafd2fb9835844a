"""What the tests of all emulators know of MiniMax."""

import openai

from emulators.minimax.models import MODELS
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="minimax",
    model="MiniMax-M3",
    prefix="/v1",
    variables=("MINIMAX_API_KEY", "MINIMAX_BASE_URL"),
    quiet={"thinking": {"type": "disabled"}},
    schema_model="MiniMax-Text-01",
    most_stops=0,
    json_mode=False,
    errors={
        "overloaded": openai.InternalServerError,
        "quota": openai.APIStatusError,
        "inspection": openai.UnprocessableEntityError,
        "model_missing": openai.BadRequestError,
    },
    models=MODELS,
    endpoints=(
        ("/chat/completions", "MiniMax-M3"),
        ("/chat/completions", "MiniMax-M2.5"),
        ("/chat/completions", "MiniMax-Text-01"),
        ("/embeddings", "embo-01"),
    ),
)
