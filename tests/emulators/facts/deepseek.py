"""What the tests of all emulators know of DeepSeek."""

import openai

from emulators.deepseek.models import served
from tests.emulators.facts import Facts

FACTS = Facts(
    emulator="deepseek",
    model="deepseek-flash",
    prefix="",
    variables=("DEEPSEEK_API_KEY", "DEEPSEEK_BASE_URL"),
    quiet={"thinking": {"type": "disabled"}},
    errors={
        "overloaded": openai.InternalServerError,
        "quota": openai.APIStatusError,
        "inspection": openai.BadRequestError,
        "model_missing": openai.BadRequestError,
    },
    models=served("1"),
    endpoints=(
        ("/chat/completions", "deepseek-flash"),
        ("/beta/chat/completions", "deepseek-v4-pro"),
        ("/chat/completions", "deepseek-chat"),
        ("/chat/completions", "deepseek-reasoner"),
        ("/beta/completions", "deepseek-flash"),
    ),
)
