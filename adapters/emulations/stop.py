"""Stop strings that a vendor does not accept, or leaves in the text: banjia searches the content of each choice.

The match that ends first counts, since a model would have stopped there; of those that end together, the longest. The
result therefore does not depend on how a stream is split. Reasoning and tool arguments are not searched, as at OpenAI.
"""

from typing import Any, ClassVar

from adapters.core.event import WHOLE, Event
from adapters.core.exchange import Do, Done, Emit, Exchange, Fail, Make
from adapters.core.failures import Failure
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wrapper import Holds, Wrapper


def stop(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the plan emulates stop strings."""
    value = plan.emulations.get("stop")
    texts = tuple(text for text in ([value] if type(value) is str else value or []) if text)
    return (lambda request, attempt_ids: StopWrapper(make, request, attempt_ids, texts)) if texts else make


def find(text: str, stops: tuple[str, ...]) -> int | None:
    """Return where the first match begins; None if there is none."""
    matches = [(at + len(one), at) for one in stops if (at := text.find(one)) >= 0]
    return min(matches)[1] if matches else None


def tail(text: str, stops: tuple[str, ...]) -> int:
    """Return how many characters at the end of a text may be the beginning of a match."""
    for size in range(min(len(text), max(map(len, stops)) - 1), 0, -1):
        end = text[-size:]
        if any(one.startswith(end) for one in stops):
            return size
    return 0


class StopScanner:
    """Scans the content of one choice: which text can be emitted, and whether it was cut."""

    __slots__ = ("_emitted", "_entries", "_held", "_read", "_stops", "cut")

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = stops
        self._held = ""
        self._emitted = 0
        self._read = 0
        self._entries: list[tuple[int, Any]] = []  # logprobs, with the offset of their token
        self.cut = False

    def take(self, piece: str, *, last: bool) -> str:
        """Add a piece and return the text that can be emitted now; all that is left if it is the ``last`` one."""
        text = self._held + piece
        at = find(text, self._stops)
        self.cut = at is not None
        end = at if at is not None else len(text) - (0 if last else tail(text, self._stops))
        self._held = text[end:]
        self._emitted += end
        return text[:end]

    def logprobs(self, value: Any) -> Any:
        """Add the logprobs of an event and return those of the text that has been emitted."""
        entries = value.get("content") if type(value) is dict else None
        for entry in entries if type(entries) is list else []:
            self._entries.append((self._read, entry))
            self._read += len(str(entry.get("token") or "")) if type(entry) is dict else 0
        ready = [entry for begins, entry in self._entries if begins < self._emitted]
        self._entries = self._entries[len(ready) :]
        if type(value) is dict:
            return {**value, "content": ready}
        return {"content": ready, "refusal": None} if ready else value


class StopWrapper(Wrapper):
    """Cuts each choice at its first match. When all choices have ended, closes the call: the rest is not billed."""

    holds: ClassVar[Holds] = "TAIL"

    def __init__(self, make: Make, request: ApiRequest, attempt_ids: AttemptIds, stops: tuple[str, ...]) -> None:
        super().__init__()
        self._child = make(request, attempt_ids)
        self._stops = stops
        wanted = request.fields.get("n")
        self._wanted = wanted if type(wanted) is int else 1
        self._texts: dict[int, StopScanner] = {}
        self._ended: set[int] = set()
        self._over = False

    def start(self) -> list[Do]:
        """Start the call."""
        return self.begin(self._child)

    def _take(self, child: Exchange, dos: list[Do]) -> list[Do]:
        """Take the commands of a child; after the last match close the call, unless the same read has ended it.

        Usage that arrived with the same read is still reported.
        """
        out = super()._take(child, dos)
        if self._over and not isinstance(out[-1], (Done, Fail)):
            out += self._end([*self._close(child), Done()])
        return out

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Pass on the text before a match, without an end that may be the beginning of one."""
        shown = [event for event in events if self._has_content(event)]
        if len(self._ended) >= self._wanted and any(text.cut for text in self._texts.values()):
            self._over = True
        return [Emit(shown)] if shown else []

    def on_fail(self, child: Exchange, failure: Failure) -> list[Do]:
        """Fail, unless the last match was found before: then the response is complete."""
        return [Done()] if self._over else [Fail(failure)]

    def _has_content(self, event: Event) -> bool:
        """Cut the event to the text that can be emitted; False if nothing is left."""
        data = event.data
        kept = [choice for choice in data["choices"] if self._choice(event, choice)]
        if len(kept) < len(data["choices"]):
            event.edit()["choices"] = kept
        return bool(kept)

    def _choice(self, event: Event, choice: dict[str, Any]) -> bool:
        index = choice["index"]
        if index in self._ended:
            return False
        text = self._texts.get(index)
        if text is None:
            text = self._texts[index] = StopScanner(self._stops)
        part = choice["message" if event.kind is WHOLE else "delta"]
        content = part.get("content")
        came = content if type(content) is str else ""
        last = choice.get("finish_reason") is not None
        shown = text.take(came, last=last)
        if last or text.cut:
            self._ended.add(index)
        logprobs = text.logprobs(choice.get("logprobs"))
        if shown == came and not text.cut and logprobs == choice.get("logprobs"):
            return True
        event.edit()
        part["content"] = shown
        choice["logprobs"] = logprobs
        if text.cut:
            choice["finish_reason"] = "stop"
        return bool(shown or text.cut or last or any(value for key, value in part.items() if key != "content"))
