"""FIM completions: `POST /beta/completions` (sheet 2). The sheet has no answer: its form is OpenAI's."""

from collections.abc import Iterator
from typing import Any

from emulators.core import tokens
from emulators.core.responses import Part
from emulators.core.scripted_model import Prompt, ScriptedCompletion, complete
from emulators.deepseek import rules
from emulators.deepseek.answer import DeepSeekCompletion
from emulators.deepseek.deserialize import optional_booleans, optional_integers, optional_texts, required_text
from emulators.deepseek.errors import out_of_range

Json = dict[str, Any]
MOST_TOKENS = 4096
"""Sheet 2: the cap of the 2024-25 document; the sheet has no newer one."""


def check_types(body: Json) -> None:
    """Raise BodyMismatch for the first member that does not fit the schema."""
    required_text("", body, "prompt")
    rules.check_sampling_types(body)
    optional_texts("", body, "suffix")
    optional_booleans(body, "echo")
    optional_integers(body, "logprobs")


def check(body: Json) -> None:
    """Raise RequestRefused for the first value that DeepSeek refuses. The types must be valid."""
    rules.check_sampling(body, MOST_TOKENS)
    rules.check_penalties(body)
    # sheet 2: logprobs <=20
    if body.get("logprobs") is not None and not 0 <= body["logprobs"] <= rules.MOST_LOGPROBS:
        raise out_of_range("logprobs", 0, rules.MOST_LOGPROBS)


def count_prompt(body: Json) -> int:
    """Return the tokens of the prompt and the suffix."""
    return tokens.count(body["prompt"]) + tokens.count(body.get("suffix") or "")


def completed(body: Json) -> ScriptedCompletion:
    """Return the model's text. Sheet 2: non-thinking only, whatever the model."""
    stop = body.get("stop")
    prompt = Prompt(
        messages=[{"role": "user", "content": body["prompt"]}],
        stops=[stop] if isinstance(stop, str) else stop or [],
        most_in_all=body.get("max_tokens") or MOST_TOKENS,
    )
    return complete(prompt)


class FimCompletion(DeepSeekCompletion):
    """A completion of a text."""

    kind = "text_completion"
    chunk_kind = "text_completion"

    def __init__(self, turn: ScriptedCompletion, body: Json, *more: Any, **facts: Any) -> None:
        super().__init__(turn, body, *more, **facts)
        self._echoed = [body["prompt"]] if body.get("echo") and body["prompt"] else []
        self._top = body.get("logprobs")

    def choice(self) -> Json:
        (turn,) = self.completions
        return self._choice([*self._echoed, *turn.content], turn.finish)

    def events(self) -> Iterator[tuple[Part, Json]]:
        (turn,) = self.completions
        for piece in [*self._echoed, *turn.content]:
            yield "content", self._choice([piece], None)
        yield "finish", self._choice([], turn.finish)

    def _choice(self, pieces: list[str], finish: str | None) -> Json:
        return {"index": 0, "text": "".join(pieces), "logprobs": self._logprobs_of(pieces), "finish_reason": finish}

    def _logprobs_of(self, pieces: list[str]) -> Json | None:
        if self._top is None:
            return None
        offsets = [len("".join(pieces[:index])) for index in range(len(pieces))]
        return {
            "tokens": pieces,
            "token_logprobs": [-0.125] * len(pieces),
            "top_logprobs": [{piece: -0.125} if self._top else {} for piece in pieces],
            "text_offset": offsets,
        }
