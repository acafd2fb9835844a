"""The operations of OpenAI's API that banjia serves, and the validation of a body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from adapters.core.request import Operation
from adapters.openai_params.chat import CHAT
from adapters.openai_params.completions import COMPLETIONS
from adapters.openai_params.embeddings import EMBEDDINGS
from adapters.openai_params.param import Param
from adapters.openai_params.responses import RESPONSES

MODERATIONS: Mapping[str, Param] = {"input": Param((str, list))}


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation of OpenAI's API.

    ``path`` follows ``/v1``. ``params`` are OpenAI's parameters. ``streams``: a response may be a stream of events.
    ``usage`` is what a call is measured in, and billed by. ``usual_model`` is the model name that applications send most.
    """

    name: Operation
    path: str
    params: Mapping[str, Param]
    streams: bool
    usual_model: str
    usage: Literal["tokens", "images", "seconds", "characters"] = "tokens"


OPERATIONS: Mapping[Operation, ApiOperation] = {
    operation.name: operation
    for operation in (
        ApiOperation("chat", "/chat/completions", CHAT, streams=True, usual_model="gpt-4o"),
        ApiOperation("completions", "/completions", COMPLETIONS, streams=True, usual_model="gpt-3.5-turbo-instruct"),
        ApiOperation("embeddings", "/embeddings", EMBEDDINGS, streams=False, usual_model="text-embedding-3-small"),
        ApiOperation("responses", "/responses", RESPONSES, streams=True, usual_model="gpt-4o"),
        ApiOperation("moderations", "/moderations", MODERATIONS, streams=False, usual_model="omni-moderation-latest"),
    )
}


def validate(operation: Operation, body: Mapping[str, Any]) -> None:
    """Raise Invalid for the first member of a body that OpenAI would refuse. Unknown members are accepted."""
    params = OPERATIONS[operation].params
    for name, value in body.items():
        param = params.get(name)
        if param is not None:
            param.validate(name, value)
