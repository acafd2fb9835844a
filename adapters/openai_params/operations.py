"""The parameters of each operation, and the validation of a body."""

from collections.abc import Mapping
from typing import Any

from adapters.openai_params.chat import CHAT
from adapters.openai_params.completions import COMPLETIONS
from adapters.openai_params.embeddings import EMBEDDINGS
from adapters.openai_params.param import Param

MODERATIONS: Mapping[str, Param] = {"input": Param((str, list))}


OPENAI_PARAMS: Mapping[str, Mapping[str, Param]] = {
    "chat": CHAT,
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
    "moderations": MODERATIONS,
}


def validate(operation: str, body: Mapping[str, Any]) -> None:
    """Raise Invalid for the first member of a body that OpenAI would refuse. Unknown members are accepted."""
    params = OPENAI_PARAMS[operation]
    for name, value in body.items():
        param = params.get(name)
        if param is not None:
            param.validate(name, value)
