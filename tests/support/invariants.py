"""Checks the format of every chat, completion and embedding response of banjia, as OpenAI's clients rely on it.

Written from OpenAI's published description and from how its clients and frameworks on them (LangChain, Vercel's AI
SDK) use a member, not from the codec. Nothing here raises on odd input: each function returns the violations as
sentences, and an empty list means that the response is valid. Members of a chunk or body beside OpenAI's
(``search_info``, ``provider``) are not judged: clients ignore them.

``violations_of_stream`` takes the parsed events of one stream; ``violations_of_wire`` its bytes, with framing and end
marker; ``violations_of_body`` a whole response; ``violations_of_error`` an error object.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeGuard

import orjson

Operation = Literal["chat", "completions", "embeddings"]

FINISHES = ("stop", "length", "tool_calls", "content_filter", "function_call")
CUT_SHORT = ("length", "content_filter")
"""Finishes after which arguments may be incomplete, and which are allowed with tool calls."""
ID_PREFIX = {"chat": "chatcmpl-", "completions": "cmpl-"}
CHUNK_OBJECT = {"chat": "chat.completion.chunk", "completions": "text_completion"}
BODY_OBJECT = {"chat": "chat.completion", "completions": "text_completion"}
CONSTANT = ("id", "created", "model", "object")
CHOICE_MEMBERS = frozenset(("index", "finish_reason", "logprobs"))
CONTENT_MEMBER = {"chat": ("delta", "message"), "completions": ("text", "text")}
"""The member of a choice with its content: in a chunk, in a body."""
OMITTED = ("role", "function_call", "tool_calls")
"""Members that OpenAI leaves out instead of sending null: clients add deltas up, and null or [] counts as a value."""


@dataclass(frozen=True)
class Wanted:
    """What the request asked for, and what is known about the vendor's response."""

    operation: Operation = "chat"
    usage: bool = False
    """The request has ``include_usage``: the last chunk of the stream has the usage."""
    complete: bool = True
    """The response is complete: every choice has a finish. False for a stream that failed or is still running."""
    choices: int | None = None
    """The number of requested choices; None is not checked."""
    choice_members: frozenset[str] = frozenset()
    """Members of a choice beyond OpenAI's that the vendor's table lists."""
    json_arguments: bool = True
    """False if the vendor's own arguments are not JSON."""
    calls: Mapping[int, Sequence[tuple[str, str]]] | None = None
    """The vendor's complete calls by choice: name and arguments; None is not checked."""
    finished: frozenset[int] | None = None
    """For a failed stream, the choices that the vendor finished: no other may have a finish. None is not checked."""


@dataclass
class _Call:
    """A tool call of a stream so far."""

    name: str
    arguments: str = ""


@dataclass
class _Choice:
    """A choice of a stream so far."""

    index: int
    deltas: int = 0
    finish: str | None = None
    calls: dict[int, _Call] = field(default_factory=dict)
    function: _Call | None = None


def is_int(value: Any) -> bool:
    """Return whether it is an integer; ``True`` is not one."""
    return type(value) is int


def is_count(value: Any) -> bool:
    """Return whether it is a non-negative integer."""
    return type(value) is int and value >= 0


def is_text(value: Any) -> TypeGuard[str]:
    """Return whether it is a non-empty text."""
    return type(value) is str and value != ""


# Streams


def violations_of_stream(events: Sequence[Mapping[str, Any]], *, wanted: Wanted | None = None) -> list[str]:
    """Return the violations of a stream's events, including an error event, without ``[DONE]`` and comments."""
    wanted = wanted or Wanted()
    found: list[str] = []
    choices: dict[int, _Choice] = {}
    failed = False
    chunks: list[Mapping[str, Any]] = []
    for at, event in enumerate(events):
        if type(event) is not dict:
            found.append(f"event {at} is no object: {event!r}")
        elif "error" in event:
            failed = True
            found += violations_of_error(event)
            if at != len(events) - 1:
                found.append(f"event {at} is an error and {len(events) - 1 - at} events follow it")
        else:
            chunks.append(event)
            found += [f"chunk {at}: {what}" for what in _of_chunk(event, choices, wanted)]
    found += _of_constants(chunks)
    found += _of_usage_place(chunks, wanted, failed=failed)
    if wanted.complete and not failed:
        found += _of_whole_stream(choices, wanted)
    elif wanted.finished is not None:
        invented = [
            choice.index for choice in choices.values() if choice.finish and choice.index not in wanted.finished
        ]
        found += [f"choice {index} has a finish that the vendor did not send" for index in invented]
    for choice in choices.values():
        found += [f"choice {choice.index}: {what}" for what in _of_finished(choice, wanted)]
    return found


def _of_chunk(chunk: Mapping[str, Any], choices: dict[int, _Choice], wanted: Wanted) -> list[str]:
    found = _of_head(chunk, wanted, CHUNK_OBJECT[wanted.operation])
    given = chunk.get("choices")
    if type(given) is not list:
        return [*found, f"choices is {given!r}"]
    if not given and type(chunk.get("usage")) is not dict:
        found.append("has neither choices nor usage")
    for item in given:
        if type(item) is not dict or not is_count(item.get("index")):
            found.append(f"a choice without index: {item!r}")
            continue
        choice = choices.setdefault(item["index"], _Choice(item["index"]))
        found += [f"choice {choice.index}: {what}" for what in _of_chunk_choice(item, choice, wanted)]
    if len({item.get("index") for item in given if type(item) is dict}) != len(given):
        found.append("the same choice twice")
    return found


def _of_head(body: Mapping[str, Any], wanted: Wanted, object_: str) -> list[str]:
    """Return the violations of the members beside the choices."""
    found = []
    prefix = ID_PREFIX[wanted.operation]
    id_ = body.get("id")
    if not is_text(id_) or not id_.startswith(prefix) or id_ == prefix:
        found.append(f"id is {id_!r}, not {prefix}…")
    elif not id_.isascii() or len(id_) > 128 + len(prefix):
        found.append("id is longer than 128 bytes or not ASCII")
    if not is_count(body.get("created")):
        found.append(f"created is {body.get('created')!r}")
    if not is_text(body.get("model")):
        found.append(f"model is {body.get('model')!r}")
    if body.get("object") != object_:
        found.append(f"object is {body.get('object')!r}, not {object_}")
    return found


def _of_chunk_choice(item: Mapping[str, Any], choice: _Choice, wanted: Wanted) -> list[str]:
    content = CONTENT_MEMBER[wanted.operation][0]
    found = _of_choice_members(item, content, wanted)
    if choice.finish is not None:
        found.append("goes on after its finish")
    if "finish_reason" not in item:
        found.append("has no finish_reason")
    finish = item.get("finish_reason")
    if finish is not None and finish not in FINISHES:
        found.append(f"finish_reason is {finish!r}")
    if wanted.operation == "completions":
        if type(item.get("text")) is not str:
            found.append(f"text is {item.get('text')!r}")
    elif type(item.get("delta")) is not dict:
        found.append(f"delta is {item.get('delta')!r}")
    else:
        found += _of_delta(item["delta"], choice)
    choice.deltas += 1
    choice.finish = choice.finish or (finish if type(finish) is str else None)
    return found


def _of_choice_members(item: Mapping[str, Any], content: str, wanted: Wanted) -> list[str]:
    allowed = CHOICE_MEMBERS | {content} | wanted.choice_members
    found = [f"member {name} is not OpenAI's" for name in item if name not in allowed]
    if type(item.get("logprobs")) not in (dict, type(None)):
        found.append(f"logprobs is {item['logprobs']!r}")
    return found


def _of_delta(delta: Mapping[str, Any], choice: _Choice) -> list[str]:
    found = [f"delta.{name} is null" for name in OMITTED if name in delta and delta[name] is None]
    if choice.deltas == 0 and delta.get("role") != "assistant":
        found.append(f"its first delta has role {delta.get('role')!r}")
    if choice.deltas and "role" in delta:
        found.append("role after the first delta")
    found += [
        f"delta.{name} is {delta[name]!r}"
        for name in ("content", "refusal", "reasoning_content")
        if type(delta.get(name)) not in (str, type(None))
    ]
    if delta.get("tool_calls") is not None:
        found += _of_pieces(delta["tool_calls"], choice)
    if delta.get("function_call") is not None:
        found += _of_function_piece(delta["function_call"], choice)
    return found


def _of_pieces(pieces: Any, choice: _Choice) -> list[str]:
    if type(pieces) is not list or not pieces:
        return [f"delta.tool_calls is {pieces!r}"]
    found: list[str] = []
    seen: set[int] = set()
    for piece in pieces:
        if type(piece) is not dict or not is_count(piece.get("index")):
            found.append(f"a tool piece without index: {piece!r}")
            continue
        index = piece["index"]
        if index in seen:
            found.append(f"two pieces of tool call {index} in one chunk")
        seen.add(index)
        found += [f"tool call {index}: {what}" for what in _of_piece(piece, index, choice)]
    return found


def _of_piece(piece: Mapping[str, Any], index: int, choice: _Choice) -> list[str]:
    function = piece.get("function")
    if type(function) is not dict:
        return [f"function is {function!r}"]
    if index in choice.calls:
        found = _of_later_piece(piece, function)
    else:
        found = _of_first_piece(piece, function)
        if index != len(choice.calls):
            found.append(f"begins as number {len(choice.calls)}")
        choice.calls[index] = _Call(str(function.get("name") or ""))
    arguments = function.get("arguments")
    if type(arguments) is str:
        choice.calls[index].arguments += arguments
    return found


def _of_first_piece(piece: Mapping[str, Any], function: Mapping[str, Any]) -> list[str]:
    found = []
    if not is_text(piece.get("id")):
        found.append(f"begins with id {piece.get('id')!r}")
    if piece.get("type") != "function":
        found.append(f"begins with type {piece.get('type')!r}")
    if not is_text(function.get("name")):
        found.append(f"begins with name {function.get('name')!r}")
    if type(function.get("arguments")) is not str:
        found.append(f"begins with arguments {function.get('arguments')!r}")
    return found


def _of_later_piece(piece: Mapping[str, Any], function: Mapping[str, Any]) -> list[str]:
    found = [f"repeats {name}" for name in ("id", "type") if name in piece]
    if "name" in function:
        found.append("repeats name")
    if type(function.get("arguments")) is not str:
        found.append(f"arguments are {function.get('arguments')!r}")
    return found


def _of_function_piece(function: Any, choice: _Choice) -> list[str]:
    """Return the violations of ``function_call``, which clients of the older API read."""
    if type(function) is not dict:
        return [f"delta.function_call is {function!r}"]
    found = []
    if choice.function is None:
        if not is_text(function.get("name")):
            found.append(f"function_call begins with name {function.get('name')!r}")
        choice.function = _Call(str(function.get("name") or ""))
    elif "name" in function:
        found.append("function_call repeats name")
    arguments = function.get("arguments")
    if type(arguments) is str:
        choice.function.arguments += arguments
    else:
        found.append(f"function_call.arguments is {arguments!r}")
    return found


def _of_constants(chunks: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for name in CONSTANT:
        values = {repr(chunk.get(name)) for chunk in chunks}
        if len(values) > 1:
            found.append(f"{name} changes: {', '.join(sorted(values)[:3])}")
    return found


def _of_usage_place(chunks: Sequence[Mapping[str, Any]], wanted: Wanted, *, failed: bool) -> list[str]:
    """Return the violations of usage: if requested it is in the last chunk, which has no choices; else in none."""
    found = []
    having = [at for at, chunk in enumerate(chunks) if chunk.get("usage") is not None]
    if not wanted.usage:
        return [f"chunk {at} has a usage that was not asked for" for at in having]
    for at in having:
        found += [f"chunk {at}: {what}" for what in _of_usage(chunks[at]["usage"], wanted)]
        if at != len(chunks) - 1 or chunks[at].get("choices"):
            found.append(f"chunk {at} has a usage and is not the last, or has choices")
    if wanted.complete and not failed and not having:
        found.append("no chunk has the usage")
    return found


def _of_whole_stream(choices: Mapping[int, _Choice], wanted: Wanted) -> list[str]:
    found = [f"choice {choice.index} has no finish" for choice in choices.values() if choice.finish is None]
    return found + _of_indices(sorted(choices), wanted)


def _of_indices(indices: list[int], wanted: Wanted) -> list[str]:
    if not indices:
        return ["no choices"]
    if wanted.choices is not None and len(indices) != wanted.choices:
        return [f"{len(indices)} choices of {wanted.choices}"]
    if indices != list(range(len(indices))):
        return [f"choices {indices}"]
    return []


def _of_finished(choice: _Choice, wanted: Wanted) -> list[str]:
    """Return the violations of a stream's choice in its calls and its finish."""
    if choice.finish is None:
        return []
    calls = [(call.name, call.arguments) for _, call in sorted(choice.calls.items())]
    function = (choice.function.name, choice.function.arguments) if choice.function else None
    return _of_calls_and_finish(calls, function, choice.finish, wanted) + _of_vendors_calls(calls, choice.index, wanted)


# Common to streams and bodies


def _of_calls_and_finish(
    calls: Sequence[tuple[str, str]], function: tuple[str, str] | None, finish: Any, wanted: Wanted
) -> list[str]:
    found = []
    if finish in CUT_SHORT:
        return []
    if bool(calls) != (finish == "tool_calls"):
        found.append(f"{len(calls)} calls and finish {finish}")
    if bool(function) != (finish == "function_call"):
        found.append(f"function_call {function!r} and finish {finish}")
    if wanted.json_arguments:
        found += [
            f"arguments of {name} are no JSON: {arguments!r}"
            for name, arguments in [*calls, *([function] if function else [])]
            if not is_json(arguments)
        ]
    return found


def is_json(text: str) -> bool:
    """Return whether a text is JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _of_vendors_calls(calls: Sequence[tuple[str, str]], index: int, wanted: Wanted) -> list[str]:
    """Return a violation unless the calls are the vendor's. A call without arguments has ``{}``, which is JSON."""
    if wanted.calls is None:
        return []
    meant = [(name, arguments or "{}") for name, arguments in wanted.calls.get(index, ())]
    seen = [(name, arguments or "{}") for name, arguments in calls]
    return [] if seen == meant else [f"calls {seen!r}, the vendor's are {meant!r}"]


def _of_usage(usage: Any, wanted: Wanted) -> list[str]:
    if type(usage) is not dict:
        return [f"usage is {usage!r}"]
    names = ["prompt_tokens", "total_tokens"]
    if wanted.operation != "embeddings":
        names.append("completion_tokens")
    wrong = [f"usage.{name} is {usage.get(name)!r}" for name in names if not is_count(usage.get(name))]
    if not wrong and usage["prompt_tokens"] + usage.get("completion_tokens", 0) != usage["total_tokens"]:
        wrong.append(f"usage does not add up: {usage!r}")
    return wrong


def violations_of_error(body: Mapping[str, Any]) -> list[str]:
    """Return the violations of an error body or event: ``{"error": {message, type, param, code}}``."""
    error = body.get("error")
    if type(error) is not dict:
        return [f"error is {error!r}"]
    found = [f"error.{name} is {error.get(name)!r}" for name in ("message", "type") if not is_text(error.get(name))]
    for name in ("param", "code"):
        if name not in error:
            found.append(f"error has no {name}")
        elif type(error[name]) not in (str, type(None)):
            found.append(f"error.{name} is {error[name]!r}")
    return found


# Bodies


def violations_of_body(
    body: Mapping[str, Any], operation: Operation = "chat", *, wanted: Wanted | None = None
) -> list[str]:
    """Return the violations of a whole response, which may be an error body. ``wanted`` also names the operation."""
    wanted = wanted or Wanted(operation)
    operation = wanted.operation
    if type(body) is not dict:
        return [f"the body is no object: {body!r}"]
    if "error" in body:
        return violations_of_error(body)
    if operation == "embeddings":
        return _of_embeddings(body, wanted)
    found = _of_head(body, wanted, BODY_OBJECT[operation]) + _of_usage(body.get("usage"), wanted)
    choices = body.get("choices")
    if type(choices) is not list or not choices:
        return [*found, f"choices is {choices!r}"]
    if not all(type(item) is dict and is_count(item.get("index")) for item in choices):
        return [*found, "a choice without index"]
    found += _of_indices([item["index"] for item in choices], wanted)
    for item in choices:
        found += [f"choice {item['index']}: {what}" for what in _of_body_choice(item, wanted)]
    return found


def _of_body_choice(item: Mapping[str, Any], wanted: Wanted) -> list[str]:
    content = CONTENT_MEMBER[wanted.operation][1]
    found = _of_choice_members(item, content, wanted)
    if "logprobs" not in item:
        found.append("has no logprobs")
    if item.get("finish_reason") not in FINISHES:
        found.append(f"finish_reason is {item.get('finish_reason')!r}")
    if wanted.operation == "completions":
        return found if type(item.get("text")) is str else [*found, f"text is {item.get('text')!r}"]
    message = item.get("message")
    if type(message) is not dict:
        return [*found, f"message is {message!r}"]
    return found + _of_message(message, item, wanted)


def _of_message(message: Mapping[str, Any], item: Mapping[str, Any], wanted: Wanted) -> list[str]:
    found = [f"message.{name} is null" for name in OMITTED if name in message and message[name] is None]
    if message.get("role") != "assistant":
        found.append(f"message.role is {message.get('role')!r}")
    for name in ("content", "refusal"):
        if name not in message:
            found.append(f"message has no {name}")
        elif type(message[name]) not in (str, type(None)):
            found.append(f"message.{name} is {message[name]!r}")
    calls: list[tuple[str, str]] = []
    if message.get("tool_calls") is not None:
        found += _of_whole_calls(message["tool_calls"], calls)
    function, wrong = _of_whole_function(message.get("function_call"))
    found += wrong + _of_calls_and_finish(calls, function, item.get("finish_reason"), wanted)
    return found + _of_vendors_calls(calls, item["index"], wanted)


def _of_whole_calls(given: Any, calls: list[tuple[str, str]]) -> list[str]:
    """Return the violations of a message's calls, and add the valid ones to ``calls``."""
    if type(given) is not list or not given:
        return [f"message.tool_calls is {given!r}"]
    found = []
    for at, call in enumerate(given):
        custom = call.get("custom") if type(call) is dict and call.get("type") == "custom" else None
        if type(custom) is dict and is_text(call.get("id")) and is_text(custom.get("name")):
            calls.append((custom["name"], "{}"))  # its input is free text
            continue
        function = call.get("function") if type(call) is dict else None
        if type(function) is not dict:
            found.append(f"tool call {at} is {call!r}")
            continue
        found += [f"tool call {at}: {what}" for what in _of_first_piece(call, function)]
        calls.append((str(function.get("name") or ""), str(function.get("arguments") or "")))
    return found


def _of_whole_function(given: Any) -> tuple[tuple[str, str] | None, list[str]]:
    if given is None:
        return None, []
    if type(given) is not dict or not is_text(given.get("name")) or type(given.get("arguments")) is not str:
        return None, [f"message.function_call is {given!r}"]
    return (given["name"], given["arguments"]), []


def _of_embeddings(body: Mapping[str, Any], wanted: Wanted) -> list[str]:
    found = _of_usage(body.get("usage"), wanted)
    if body.get("object") != "list":
        found.append(f"object is {body.get('object')!r}, not list")
    if not is_text(body.get("model")):
        found.append(f"model is {body.get('model')!r}")
    data = body.get("data")
    if type(data) is not list or not data:
        return [*found, f"data is {data!r}"]
    for at, item in enumerate(data):
        if type(item) is not dict or item.get("object") != "embedding" or item.get("index") != at:
            found.append(f"item {at} is {str(item)[:80]}")
        elif not _is_vector(item.get("embedding")):
            found.append(f"item {at} has no vector: {str(item.get('embedding'))[:80]}")
    return found


def _is_vector(value: Any) -> bool:
    """Return whether it is a list of floats, or their base64."""
    if type(value) is list:
        return bool(value) and all(type(number) in (int, float) for number in value)
    return is_text(value)


# Bytes


@dataclass
class Wire:
    """A parsed stream: its events, whether it ended with ``[DONE]``, and the violations in its framing."""

    events: list[dict[str, Any]] = field(default_factory=list)
    done: bool = False
    violations: list[str] = field(default_factory=list)


def read_wire(raw: bytes) -> Wire:
    """Parse a stream in OpenAI's framing: ``data: JSON``, empty lines, comments between events, a final ``[DONE]``."""
    wire = Wire()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as why:
        return Wire(violations=[f"no UTF-8: {why}"])
    if "\r" in text:
        wire.violations.append("a carriage return")
    blocks = text.split("\n\n")
    if blocks.pop() != "":
        wire.violations.append("the last event has no empty line after it")
    for block in blocks:
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if not lines:
            continue
        if wire.done:
            wire.violations.append(f"{block[:60]!r} after [DONE]")
        if len(lines) != 1 or not lines[0].startswith("data: "):
            wire.violations.append(f"not one line of data: {block[:60]!r}")
            continue
        _take(lines[0].removeprefix("data: "), wire)
    return wire


def _take(payload: str, wire: Wire) -> None:
    if payload == "[DONE]":
        wire.done = True
        return
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError:
        wire.violations.append(f"data is no JSON: {payload[:60]!r}")
        return
    if type(event) is dict:
        wire.events.append(event)
    else:
        wire.violations.append(f"data is no object: {payload[:60]!r}")


def violations_of_wire(raw: bytes, *, wanted: Wanted | None = None, ended: bool = True) -> list[str]:
    """Return the violations of a stream's bytes. ``ended``: the client has read it to its end."""
    wanted = wanted or Wanted()
    wire = read_wire(raw)
    failed = any("error" in event for event in wire.events)
    found = list(wire.violations)
    if failed and wire.done:
        found.append("[DONE] after an error")
    if ended and not failed and not wire.done:
        found.append("no [DONE]")
    if not ended:
        wanted = replace(wanted, complete=False)
    return found + violations_of_stream(wire.events, wanted=wanted)


def added_up(events: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    """Combine a well-formed stream: by choice ``content``, ``reasoning``, ``calls`` (name, arguments) and ``finish``.

    Calls are identified by ``index``; a call without a name is ignored.
    """
    choices: dict[int, dict[str, Any]] = {}
    for event in events:
        for item in event.get("choices") or ():
            total = choices.setdefault(item["index"], {"content": "", "reasoning": "", "slots": {}, "finish": None})
            delta = item.get("delta") or {"content": item.get("text")}
            total["content"] += delta.get("content") or ""
            total["reasoning"] += delta.get("reasoning_content") or ""
            for piece in delta.get("tool_calls") or ():
                slot = total["slots"].setdefault(piece["index"], ["", ""])
                function = piece.get("function") or {}
                slot[0] = slot[0] or function.get("name") or ""
                slot[1] += function.get("arguments") or ""
            total["finish"] = item.get("finish_reason") or total["finish"]
    for total in choices.values():
        slots = total.pop("slots")
        total["calls"] = [(name, arguments or "{}") for _, (name, arguments) in sorted(slots.items()) if name]
    return choices
