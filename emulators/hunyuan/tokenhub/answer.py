"""TokenHub's completions, whole and streamed (sheet 5.2, sample 8.4)."""

from collections.abc import Iterator

import orjson

from emulators.core.responses import DONE, Frame
from emulators.core.scripted_model import ScriptedCompletion
from emulators.hunyuan.answer import Completion as Base
from emulators.hunyuan.answer import Json


class Completion(Base):
    """One completion."""

    def __init__(self, completion: ScriptedCompletion, body: Json, *, number: int, prompt: int, gap_s: float) -> None:
        super().__init__(completion, body, number=number, prompt=prompt, gap_s=gap_s)
        options = body.get("stream_options")
        self._include_usage = isinstance(options, dict) and options.get("include_usage") is True

    def _id(self) -> str:
        # sheet 5.2: the id is a UUID; 8.4
        return f"0b7e2c1a-0000-4000-8000-{self._number:012x}"

    def _call_id(self, call_index: int) -> str:
        # sheet 5.2: tool call ids
        return f"chatcmpl-tool-{self._number:024x}{call_index:08x}"

    def _finish(self) -> str:
        # sheet 5.2: finish_reason: "OpenAI set"
        return self._completion.finish

    def usage(self) -> Json:
        # sheet 5.2: usage details. What is cached, and from how many tokens on, is not stated: nothing
        return {
            **self._counted(self._completion.reasoning_tokens + self._completion.answer_tokens),
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self._completion.reasoning_tokens},
        }

    def frames(self) -> Iterator[Frame]:
        start = self._start("chat.completion.chunk")
        role = {"role": "assistant", "content": ""}
        deltas = list(self._deltas())
        # sheet 8.4: the role comes with the first of the reasoning, the finish with the last of the content
        if deltas and deltas[0][0] == "reasoning":
            deltas[0] = ("reasoning", {**role, **deltas[0][1]})
        else:
            deltas.insert(0, ("role", role))
        for number, (part, delta) in enumerate(deltas, 1):
            finish = self._finish() if number == len(deltas) else None
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            # a completion of one piece has no event before its finish that faults could affect
            kind = "finish" if finish and len(deltas) <= 2 else part
            yield Frame(kind, orjson.dumps({**start, "choices": [choice]}))
        if self._include_usage:
            # sheet 5.2: a final usage chunk with empty choices
            yield Frame("usage", orjson.dumps({**start, "choices": [], "usage": self.usage()}))
        yield DONE
