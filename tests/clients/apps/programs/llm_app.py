"""The command line `llm`, with a chat model of its file extra-openai-models.yaml."""

import json
import os
import subprocess
import sys
from pathlib import Path

USER = Path(os.environ["HOME"], "llm")
MODEL = {
    "model_id": "moved",
    "model_name": "gpt-4o",
    "api_base": os.environ["OPENAI_BASE_URL"],
    "api_key_name": "openai",
    "supports_tools": True,
}
FUNCTION = "def get_weather(city: str) -> str:\n    return f'sunny in {city}'\n"


def _llm(*arguments: str) -> str:
    """What the command prints."""
    USER.mkdir(exist_ok=True)
    models = [MODEL, MODEL | {"model_id": "moved-responses", "responses": True}]
    Path(USER, "extra-openai-models.yaml").write_text(json.dumps(models))  # JSON is YAML
    done = subprocess.run(
        [Path(sys.executable).with_name("llm"), *arguments], env=os.environ | {"LLM_USER_PATH": str(USER)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def stream() -> None:
    assert _llm("-m", "moved", "Hello") == "You said: Hello"


def chat() -> None:
    assert (
        _llm("-m", "moved", "--no-stream", "-s", "Be brief", "-o", "temperature", "0.3", "Hello") == "You said: Hello"
    )


def conversation() -> None:
    _llm("-m", "moved", "Hello")
    assert _llm("-c", "-m", "moved", "And again") == "You said: And again"


def tools() -> None:
    answer = _llm("-m", "moved", "--functions", FUNCTION, "get_weather city=Oslo")
    assert answer == "The tool said: sunny in Oslo", answer


def responses() -> None:
    assert _llm("-m", "moved-responses", "Hello") == "You said: Hello"
    assert _llm("-m", "moved-responses", "--no-stream", "-s", "Be brief", "Hello") == "You said: Hello"


def responses_of_a_conversation() -> None:
    _llm("-m", "moved-responses", "Hello")
    assert _llm("-c", "-m", "moved-responses", "And again") == "You said: And again"


def responses_with_tools() -> None:
    answer = _llm("-m", "moved-responses", "--functions", FUNCTION, "get_weather city=Oslo")
    assert answer == "The tool said: sunny in Oslo", answer


def built_in_model() -> None:
    """Its own model of this name: the Responses API without a file."""
    assert _llm("-m", "gpt-4o", "--key", "anything", "Hello") == "You said: Hello"
