"""Judges the events of a Responses stream by every rule of their grammar.

``faults(events)`` returns the rules that a stream breaks, each with what was wrong; an empty list for a valid stream. The
rules are those by which clients (the official SDK, the AI SDK, Codex, agents) tell the events of an item from one another.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import orjson

JsonObject = dict[str, Any]

LIFECYCLE = ("response.created", "response.queued", "response.in_progress")
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
PREFIXES = {"message": "msg_", "reasoning": "rs_", "function_call": "fc_", "custom_tool_call": "ctc_"}
ERROR_CODES = {
    *("server_error", "rate_limit_exceeded", "invalid_prompt", "data_residency_mismatch", "bio_policy"),
    *("vector_store_timeout", "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url"),
    *("image_too_large", "image_too_small", "image_parse_error", "image_content_policy_violation"),
    *("invalid_image_mode", "image_file_too_large", "unsupported_image_media_type", "empty_image_file"),
    *("failed_to_download_image", "image_file_not_found"),
}
FINAL = ("completed", "incomplete", "failed", "cancelled")
LAST = "a terminal event is last"
CHANGING = {"status", "output", "usage", "error", "incomplete_details", "completed_at"}
"""The members of the response object that differ between its events. ``store`` may become false in the last one."""
USAGE = {
    "input_tokens": int,
    "input_tokens_details": {"cached_tokens", "cache_write_tokens"},
    "output_tokens": int,
    "output_tokens_details": {"reasoning_tokens"},
    "total_tokens": int,
}


class Fault(NamedTuple):
    """A rule that a stream breaks, and how."""

    rule: str
    what: str


def read_events(data: bytes) -> list[JsonObject]:
    """Return the events of a stream's bytes. Fails for bytes that are not framed as OpenAI frames them."""
    assert data.endswith(b"\n\n"), "the last event has no blank line"
    events = []
    for block in data[:-2].split(b"\n\n"):
        lines = [line for line in block.split(b"\n") if not line.startswith(b":")]
        if not lines:
            continue
        name, payload = lines
        assert name.startswith(b"event: "), name
        assert payload.startswith(b"data: "), payload
        event = orjson.loads(payload[6:])
        assert event["type"] == name[7:].decode(), f"{name!r} is not the type {event['type']}"
        events.append(event)
    return events


def holds_grammar(events: list[JsonObject]) -> None:
    """Fail unless a stream is valid."""
    found = faults(events)
    assert not found, f"{found[:3]} in {[event.get('type') for event in events]}"


def faults(events: list[JsonObject], *, ended: bool = True) -> list[Fault]:
    """Return the rules that a stream breaks. ``ended``: it was read to its end."""
    found = _Stream().judged(events)
    return found if ended else [fault for fault in found if fault.rule != LAST]


def faults_of_response(response: JsonObject) -> list[Fault]:
    """Return the rules that a response object breaks which was sent whole: those of the last event of a stream."""
    stream = _Stream()
    output, status = response.get("output"), response.get("status")
    if not str(response.get("id")).startswith("resp_") or type(response.get("created_at")) is not int:
        stream.fault("a response has an id and a time", response)
    if not isinstance(output, list) or not all(isinstance(item, dict) for item in output):
        stream.fault("the output is a list of items", output)
        return stream.found
    if status not in ("queued", "in_progress", *FINAL):
        stream.fault("the status is known", status)
    for item in output:
        if not str(item.get("id")).startswith(PREFIXES.get(item.get("type", ""), "?")):
            stream.fault("the id fits the type", item)
        stream.items.append(_Item(item))
        stream.items[-1].done = item
    if len({item.get("id") for item in output}) != len(output):
        stream.fault("ids are unique", output)
    stream.of_response(response)
    return stream.found


class _Part:
    """A part of an item: text, a refusal, a summary, arguments or input."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.text = ""
        self.whole: str | None = None  # as its done event has it
        self.logprobs: list[Any] = []


class _Item:
    def __init__(self, added: JsonObject) -> None:
        self.added = added
        self.id = added.get("id")
        self.type = added.get("type", "")
        self.parts: list[_Part] = []
        self.part: _Part | None = None  # the open one
        self.done: JsonObject | None = None


class _Stream:
    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.items: list[_Item] = []
        self.first: JsonObject = {}
        self.last_type = ""

    def fault(self, rule: str, what: object) -> None:
        self.found.append(Fault(rule, str(what)[:200]))

    def judged(self, events: list[JsonObject]) -> list[Fault]:
        if not events or events[0].get("type") != "response.created":
            self.fault("created is first", events[:1])
            return self.found
        if events[-1].get("type") not in TERMINAL:
            self.fault(LAST, events[-1].get("type"))
        self._numbers(events)
        self.first = events[0]["response"]
        for at, event in enumerate(events):
            type_ = event.get("type", "")
            if type_ in LIFECYCLE or type_ in TERMINAL:
                self._lifecycle(at, event)
            else:
                handler = HANDLERS.get(type_)
                if handler is None:
                    self.fault("only known events", type_)
                elif self.last_type not in ("response.in_progress", *HANDLERS):
                    self.fault("items stand between in_progress and the end", type_)
                else:
                    handler(self, event)
            self.last_type = type_
        if events[-1].get("type") in TERMINAL:
            self._ending(events[-1])
        return self.found

    def _numbers(self, events: Iterable[JsonObject]) -> None:
        numbers = [event.get("sequence_number") for event in events]
        if numbers != list(range(len(numbers))):
            self.fault("numbers have no gaps", numbers)

    # --- the response -------------------------------------------------------------------------------------------

    def _lifecycle(self, at: int, event: JsonObject) -> None:
        type_, response = event["type"], event["response"]
        if type_ in TERMINAL and not self.last_type:
            self.fault("created is first", type_)
        before = {
            "response.created": ("",),
            "response.queued": ("response.created",),
            "response.in_progress": ("response.created", "response.queued"),
        }.get(type_)
        if before is not None and self.last_type not in before:
            self.fault("created, queued, in_progress in this order", f"{type_} after {self.last_type}")
        if self.last_type in TERMINAL:
            self.fault("one terminal event", type_)
        if response.get("id") != self.first.get("id"):
            self.fault("the response id is constant", response.get("id"))
        for name in {*response, *self.first} - CHANGING - {"id"}:
            not_stored = name == "store" and type_ in TERMINAL and response.get(name) is False
            if response.get(name, "absent") != self.first.get(name, "absent") and not not_stored:
                self.fault("members are constant", name)
        if type_ in LIFECYCLE:
            if response.get("usage", "absent") is not None:
                self.fault("usage is in the terminal event only", type_)
            if response.get("output") != []:
                self.fault("output is empty at first", type_)
            if response.get("status") not in ("queued", "in_progress"):
                self.fault("the status fits the event", f"{type_}: {response.get('status')}")
            if type_ == "response.in_progress" and response.get("status") != "in_progress":
                self.fault("the status fits the event", f"{type_}: {response.get('status')}")

    def _ending(self, event: JsonObject) -> None:
        type_, response = event["type"], event["response"]
        status, output = response.get("status"), response.get("output")
        expected = {"response.failed": ("failed", "cancelled")}.get(type_, (type_.removeprefix("response."),))
        if status not in expected:
            self.fault("the status fits the event", f"{type_}: {status}")
        if self.last_type == type_ and not isinstance(output, list):
            self.fault("the output has the items of the stream", output)
            return
        self.of_response(response)

    def of_response(self, response: JsonObject) -> None:
        """Judge a response object beside the items of its stream."""
        status = response.get("status")
        self._output(response["output"], status)
        self._outcome(response, status)
        if status in ("completed", "incomplete"):
            self._usage(response.get("usage"))

    def _output(self, output: list[JsonObject], status: Any) -> None:
        if len(output) != len(self.items):
            self.fault("the output has the items of the stream", f"{len(output)}, not {len(self.items)}")
        for final, item in zip(output, self.items, strict=False):
            if item.done is not None:
                if final != item.done:
                    self.fault("an item is the same in its done event and in the output", final)
            elif status in ("completed", "incomplete"):
                self.fault("every item is done", item.id)
            else:
                self._unfinished(final, item)
        statuses = [item.get("status") for item in output]
        if status == "completed" and set(statuses) - {"completed"}:
            self.fault("the status of an item fits the response", statuses)
        if status == "incomplete" and (set(statuses[:-1]) - {"completed"} or statuses[-1:] != ["incomplete"]):
            self.fault("the last item of an incomplete response is incomplete", statuses)
        if status in ("completed", "incomplete") and not output:
            self.fault("an answer has an item", output)
        kinds = [item.get("type") for item in output]
        if status == "completed" and set(kinds) == {"reasoning"}:
            self.fault("an answer has an item", kinds)
        empty = [item for item in output if item.get("type") == "message" and not _shown(item)]
        if empty and (
            len(empty) > 1 or set(kinds) - {"message", "reasoning"} or len(kinds) - kinds.count("reasoning") > 1
        ):
            self.fault("no empty message beside others", kinds)

    def _unfinished(self, final: JsonObject, item: _Item) -> None:
        """Judge an item without a done event, in the output of a response that failed."""
        if final.get("status") != "incomplete":
            self.fault("an open item of a failed response is incomplete", final)
        if _identity(final) != _identity(item.added):
            self.fault("an item keeps its id, type and name", final)
        if "".join(_texts(final)) != "".join(part.text for part in item.parts):
            self.fault("an unfinished item has what was shown of it", final)

    def _outcome(self, response: JsonObject, status: Any) -> None:
        error, details, at = response.get("error"), response.get("incomplete_details"), response.get("completed_at")
        if status == "failed":
            if (
                not isinstance(error, dict)
                or error.get("code") not in ERROR_CODES
                or not isinstance(error.get("message"), str)
            ):
                self.fault("a failed response has an error with a known code", error)
        elif error is not None:
            self.fault("only a failed response has an error", error)
        if status == "incomplete":
            if not isinstance(details, dict) or details.get("reason") not in ("max_output_tokens", "content_filter"):
                self.fault("an incomplete response has a known reason", details)
        elif details is not None:
            self.fault("only an incomplete response has a reason", details)
        if status != "completed" and at is not None:
            self.fault("only a completed response has completed_at", at)

    def _usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            self.fault("usage is complete", usage)
            return
        for name, kind in USAGE.items():
            value = usage.get(name)
            if kind is int:
                if type(value) is not int:
                    self.fault("usage is complete", name)
            elif not isinstance(value, dict) or {key for key in value if type(value[key]) is int} != kind:
                self.fault("usage is complete", name)
        if usage.get("total_tokens") != (usage.get("input_tokens") or 0) + (usage.get("output_tokens") or 0):
            self.fault("usage is complete", usage)

    # --- items --------------------------------------------------------------------------------------------------

    def _open_item(self) -> _Item | None:
        return self.items[-1] if self.items and self.items[-1].done is None else None

    def item_added(self, event: JsonObject) -> None:
        item = event.get("item", {})
        if event.get("output_index") != len(self.items):
            self.fault("output_index counts up", event.get("output_index"))
        if self._open_item() is not None:
            self.fault("one item is open at a time", item)
        prefix = PREFIXES.get(item.get("type"))
        if prefix is None or not str(item.get("id")).startswith(prefix):
            self.fault("the id fits the type", item)
        if any(other.id == item.get("id") for other in self.items):
            self.fault("ids are unique", item)
        if item.get("status") != "in_progress" or any(_texts(item)) or item.get("content") or item.get("summary"):
            self.fault("an item is added empty and in progress", item)
        if "encrypted_content" in item:
            self.fault("encrypted_content comes with the end of an item", item)
        if item.get("type", "").endswith("call") and not (item.get("name") and item.get("call_id")):
            self.fault("a call is added with its name and call_id", item)
        self.items.append(_Item(item))

    def item_done(self, event: JsonObject) -> None:
        done, item = event.get("item", {}), self._item_of({**event, "item_id": event.get("item", {}).get("id")})
        if item is None:
            return
        if item.part is not None:
            self.fault("a part is done before its item", done)
        if item.type.endswith("call") and not item.parts:
            self.fault("arguments are done before their item", done)
        if item.type == "message" and not item.parts:
            self.fault("a message has a part", done)
        if _identity(done) != _identity(item.added):
            self.fault("an item keeps its id, type and name", done)
        if done.get("status") not in ("completed", "incomplete"):
            self.fault("a done item has a final status", done)
        if _texts(done) != [part.text for part in item.parts]:
            self.fault("the item has the text of its deltas", done)
        kinds = [part.get("type") for part in done.get("content") or done.get("summary") or ()]
        if item.type in ("message", "reasoning") and kinds != [part.kind for part in item.parts]:
            self.fault("the item has its parts", done)
        if item.type == "reasoning" and ("content" in done or not isinstance(done.get("encrypted_content", ""), str)):
            self.fault("reasoning is sealed or absent", done)
        item.done = done

    def _item_of(self, event: JsonObject) -> _Item | None:
        """Return the item that an event belongs to."""
        at = event.get("output_index")
        item = self.items[at] if type(at) is int and 0 <= at < len(self.items) else None
        if item is None:
            self.fault("an item is added before its other events", event)
            return None
        if event.get("item_id") != item.id:
            self.fault("item_id is the same in every event of an item", event)
        if item.done is not None:
            self.fault("no event after the end of an item", event)
            return None
        return item

    # --- parts --------------------------------------------------------------------------------------------------

    def part_added(self, event: JsonObject) -> None:
        item, part = self._item_of(event), event.get("part", {})
        if item is None:
            return
        index = "summary_index" if "summary" in event["type"] else "content_index"
        if event.get(index) != len(item.parts):
            self.fault("parts count up", event)
        if item.part is not None:
            self.fault("one part is open at a time", event)
        text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
        if text != "":
            self.fault("a part is added empty", part)
        item.part = _Part(part.get("type", ""))
        item.parts.append(item.part)

    def part_done(self, event: JsonObject) -> None:
        part = self._part_of(event)
        if part is None:
            return
        if part.whole is None:
            self.fault("the text is done before its part", event)
        shown = event.get("part", {})
        if (
            shown.get("type") != part.kind
            or (shown.get("refusal") if part.kind == "refusal" else shown.get("text")) != part.text
        ):
            self.fault("the part has the text of its deltas", event)
        self.items[-1].part = None

    def _part_of(self, event: JsonObject) -> _Part | None:
        """Return the open part that an event belongs to."""
        item = self._item_of(event)
        if item is None:
            return None
        if item.part is None:
            self.fault("a part is added before its deltas", event)
            return None
        index = "summary_index" if "summary" in event["type"] else "content_index"
        if event.get(index) != len(item.parts) - 1:
            self.fault("a delta names the open part", event)
        return item.part

    def delta(self, event: JsonObject) -> None:
        part = self._part_of(event)
        if part is not None:
            if not event["type"].startswith(DELTA_OF.get(part.kind, "?")):
                self.fault("a delta fits its part", event)
            self._add(part, event)

    def whole(self, event: JsonObject) -> None:
        part = self._part_of(event)
        if part is None:
            return
        if not event["type"].startswith(DELTA_OF.get(part.kind, "?")):
            self.fault("a delta fits its part", event)
        self._set_whole(part, event.get("refusal" if part.kind == "refusal" else "text"))
        if part.kind == "output_text" and event.get("logprobs") != part.logprobs:
            self.fault("logprobs are those of the deltas", event)

    def call_delta(self, event: JsonObject) -> None:
        part = self._arguments_of(event)
        if part is not None:
            self._add(part, event)

    def call_whole(self, event: JsonObject) -> None:
        part = self._arguments_of(event)
        if part is None:
            return
        self._set_whole(part, event.get("input" if "custom" in event["type"] else "arguments"))
        if "custom" not in event["type"] and event.get("name") != self.items[-1].added.get("name"):
            self.fault("arguments are done with the name of their call", event)

    def _arguments_of(self, event: JsonObject) -> _Part | None:
        item = self._item_of(event)
        if item is None:
            return None
        expected = (
            "response.custom_tool_call_input" if item.type == "custom_tool_call" else "response.function_call_arguments"
        )
        if not event["type"].startswith(expected):
            self.fault("a delta fits its part", event)
            return None
        if not item.parts:
            item.parts.append(_Part(item.type))
        return item.parts[0]

    def _add(self, part: _Part, event: JsonObject) -> None:
        if part.whole is not None:
            self.fault("no delta after the end of its text", event)
        if type(event.get("delta")) is not str or not event["delta"]:
            self.fault("a delta has text", event)
            return
        part.text += event["delta"]
        if part.kind == "output_text":
            if not isinstance(event.get("logprobs"), list):
                self.fault("text events have logprobs", event)
                return
            part.logprobs += event["logprobs"]

    def _set_whole(self, part: _Part, text: Any) -> None:
        if part.whole is not None:
            self.fault("a text is done once", text)
        if text != part.text:
            self.fault("a done event has the text of the deltas", text)
        part.whole = text


DELTA_OF = {
    "output_text": "response.output_text.",
    "refusal": "response.refusal.",
    "summary_text": "response.reasoning_summary_text.",
}
HANDLERS: dict[str, Callable[[_Stream, JsonObject], None]] = {
    "response.output_item.added": _Stream.item_added,
    "response.output_item.done": _Stream.item_done,
    "response.content_part.added": _Stream.part_added,
    "response.content_part.done": _Stream.part_done,
    "response.output_text.delta": _Stream.delta,
    "response.output_text.done": _Stream.whole,
    "response.refusal.delta": _Stream.delta,
    "response.refusal.done": _Stream.whole,
    "response.reasoning_summary_part.added": _Stream.part_added,
    "response.reasoning_summary_part.done": _Stream.part_done,
    "response.reasoning_summary_text.delta": _Stream.delta,
    "response.reasoning_summary_text.done": _Stream.whole,
    "response.function_call_arguments.delta": _Stream.call_delta,
    "response.function_call_arguments.done": _Stream.call_whole,
    "response.custom_tool_call_input.delta": _Stream.call_delta,
    "response.custom_tool_call_input.done": _Stream.call_whole,
}


def _identity(item: JsonObject) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in ("id", "type", "call_id", "name", "namespace", "role"))


def _texts(item: JsonObject) -> list[str]:
    """Return the texts of an item's parts; a call has one."""
    for name in ("arguments", "input"):
        if name in item:
            return [item[name]] if item[name] or item.get("status") != "in_progress" else []
    parts = item.get("content") or item.get("summary") or []
    return [part.get("refusal") if part.get("type") == "refusal" else part.get("text") for part in parts]


def _shown(item: JsonObject) -> bool:
    return any(_texts(item))
