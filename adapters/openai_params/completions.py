"""The parameters of completions."""

from collections.abc import Mapping
from typing import Any

from adapters.core.message import Message
from adapters.openai_params.chat import CHAT
from adapters.openai_params.embeddings import check_texts
from adapters.openai_params.param import Invalid, Param


def check_prompt(name: str, value: str | list[Any]) -> None:
    """Check for a text, texts, token ids, or lists of token ids; at most 2,048. A text may be empty. Raises Invalid."""
    if value:
        check_texts(name, value, may_be_empty=True)
    elif type(value) is list:
        raise Invalid(name, Message("Invalid '{name}': it must not be empty.", name=name))


COMPLETIONS: Mapping[str, Param] = {
    "prompt": Param((str, list), check=check_prompt),
    "best_of": Param((int,), 0, 20, neutral=(1,)),
    "echo": Param((bool,), neutral=(False,)),
    "frequency_penalty": CHAT["frequency_penalty"],
    "logit_bias": CHAT["logit_bias"],
    "logprobs": Param((int,), 0, 5, neutral=(0,)),
    "max_tokens": Param((int,), 0),
    "n": CHAT["n"],
    "presence_penalty": CHAT["presence_penalty"],
    "seed": CHAT["seed"],
    "stop": CHAT["stop"],
    "stream": CHAT["stream"],
    "stream_options": CHAT["stream_options"],
    "suffix": Param((str,), neutral=("",)),
    "temperature": CHAT["temperature"],
    "top_p": CHAT["top_p"],
    "user": CHAT["user"],
}
