"""Rules for ``messages``: what a vendor accepts, as data, and the verdict that converts a conversation accordingly."""

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from typing import Any

from adapters.core.adaptations import Adaptation, VerdictWord
from adapters.core.builder import RequestBuilder
from adapters.core.failures import Refused
from adapters.core.message import Message
from adapters.core.request import ImageFailure
from adapters.rules.reasons import SENT_AS_IS
from adapters.rules.verdicts import Condition, always

DEVELOPER_AS_SYSTEM = Message("developer is sent as system")
NO_SPEAKERS = Message("the vendor does not support name in messages")
REFUSAL_AS_CONTENT = Message("sent as content: the vendor has no refusal field")
NO_CONTENT = Message("messages without content are omitted")
BLANK_REASONING = Message(
    "the vendor requires reasoning_content, which the client omitted and banjia has not kept: a space is sent"
)
RESTORED_REASONING = Message("the client omitted the reasoning of tool calls: banjia sends what it has kept")
IDS_NUMBERED = Message("renumbered in the vendor's format")
PARTS_JOINED = Message("text parts are joined, because the model accepts only text")
NO_DETAIL = Message("the vendor has no such image detail level")
BARE_IMAGE = Message("image data is sent as base64 without the prefix of a data: URI")
IMAGE_FETCHED = Message("the vendor accepts only image data: banjia fetched the image")
NO_REASONING_BACK = Message("the vendor does not accept reasoning in requests")
JOINED_IN_ROLE = Message("text parts are joined, because the vendor accepts only text in this role")

NO_IMAGE_URLS = Message(
    "the vendor accepts images only as data: URIs: send the image data, or let banjia fetch images (policy.fetch_images: on)"
)

MessageDict = dict[str, Any]

PART_NEEDS = {"image_url": "image", "video_url": "video", "video": "video", "input_audio": "audio", "file": "file"}
"""The kind of input that a model must accept for a content part of this type."""

WORDS: tuple[VerdictWord, ...] = ("honoured", "mapped", "dropped", "refused")
PLAIN_ROLES = frozenset({"system", "user", "assistant"})
"""The roles of messages that are sent unchanged if they only have a text."""
OPENAI_DETAILS = frozenset({"auto", "low", "high", "original"})
NO_DETAILS: frozenset[str] = frozenset()
DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
"""The prefix of data in base64."""
EMPTY = "(empty)"
"""Sent for empty content where a vendor requires text."""


class OmitWhenEmpty(Enum):
    """What is omitted if content is empty and no text replaces it."""

    CONTENT = "content"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class EmptyContent:
    """How a message with empty content is sent to one vendor, by role.

    Content is empty in any form: null, absent, ``""``, only whitespace, no parts, parts of empty text. A string is sent
    in its place; ``OmitWhenEmpty.CONTENT`` omits the member, ``OmitWhenEmpty.MESSAGE`` the message. ``beside_calls`` is
    for messages with ``tool_calls``, and for system messages with ``tools``.
    """

    beside_calls: str | OmitWhenEmpty = ""
    assistant: str | OmitWhenEmpty = ""
    user: str | OmitWhenEmpty = ""
    tool: str | OmitWhenEmpty = ""
    system: str | OmitWhenEmpty = ""


@dataclass(frozen=True, slots=True)
class MessageRules:
    """One vendor's rules for messages; used as the verdict on ``messages``.

    ``names``: a message may have a ``name``. ``image_urls``: public URLs are accepted, besides data URIs and
    ``file_scheme``; if not, the data of images that banjia fetched is sent. ``bare_images``: image data is sent as base64,
    without the prefix of a data URI. ``image_details``: the levels of ``detail`` that are accepted. ``empty``: what is sent for empty content. ``tool_ids``:
    the format in which tool calls are renumbered for the vendor (None: unchanged). ``part_roles``: the roles whose content
    may be a list of parts (None: all). ``keeps_reasoning``: models that accept the ``reasoning_content`` of earlier
    answers; it is omitted for others. What is sent if the client omitted it is not a rule of messages alone: see
    ``Op.earlier_reasoning``.
    """

    names: bool = True
    image_urls: bool = True
    file_scheme: str | None = None
    bare_images: bool = False
    image_details: AbstractSet[str] = OPENAI_DETAILS
    empty: EmptyContent = EmptyContent()
    tool_ids: str | None = None
    part_roles: AbstractSet[str] | None = None
    keeps_reasoning: Condition = always
    why: Message = Message("roles, parts, ids and empty content are sent in the vendor's format")

    @property
    def words(self) -> tuple[VerdictWord, ...]:
        return WORDS if self.image_urls else (*WORDS, "emulated")

    def apply(self, name: str, value: Any, builder: RequestBuilder) -> None:
        """Write the messages into the builder's body. Raises Refused for a part that the model does not accept."""
        ids: dict[str, str] = {}
        sent: list[MessageDict] = []
        for at, message in enumerate(value):
            if is_plain(message):  # nearly every message
                sent.append(message)
                continue
            out = self._message(f"{name}[{at}]", message, builder, ids)
            if out is not None:
                sent.append(out)
        if not sent:
            builder.refuse(name, Message("no message has content: send a user message"))
        builder.body[name] = sent
        if not any(field.startswith(name) for field in builder.adaptations):
            builder.adaptations[name] = Adaptation("honoured", SENT_AS_IS)

    def _message(
        self, where: str, message: MessageDict, builder: RequestBuilder, ids: dict[str, str]
    ) -> MessageDict | None:
        """Return the message for the vendor; None if it is omitted."""
        out = {key: member for key, member in message.items() if member is not None}
        role = out["role"]
        if role == "developer":
            role = out["role"] = "system"
            builder.record("messages.role", "mapped", DEVELOPER_AS_SYSTEM)
        if not self.names and out.pop("name", None) is not None:
            builder.record("messages.name", "dropped", NO_SPEAKERS)
        if "reasoning_content" in out and not self.keeps_reasoning(builder):
            del out["reasoning_content"]
            builder.record("messages.reasoning_content", "dropped", NO_REASONING_BACK)
        if type(out.get("content")) is list:
            out["content"] = self._parts(f"{where}.content", role, out["content"], builder)
        calls = out.get("tool_calls")
        if calls:
            self._calling_turn(out, calls, builder, ids)
        elif role == "tool" and self.tool_ids:
            out["tool_call_id"] = ids.get(out["tool_call_id"], out["tool_call_id"])
        elif "tool_calls" in out:
            del out["tool_calls"]
        return out if has_content(out.get("content")) else self._empty(out, role, builder)

    def _empty(self, out: MessageDict, role: str, builder: RequestBuilder) -> MessageDict | None:
        """Return the message with empty content as the vendor expects it; None if the message is omitted."""
        if type(out.get("refusal")) is str and has_content(out["refusal"]):
            builder.record("messages.refusal", "mapped", REFUSAL_AS_CONTENT)
            return {**{key: member for key, member in out.items() if key != "refusal"}, "content": out["refusal"]}
        if out.get("partial"):  # Kimi's and Qwen's answer prefix, which may be empty
            return {**out, "content": ""}
        has_tools = out.get("tool_calls") or out.get("tools")
        replacement = self.empty.beside_calls if has_tools else getattr(self.empty, role)
        if replacement is OmitWhenEmpty.MESSAGE:
            builder.record("messages", "mapped", NO_CONTENT)
            return None
        if replacement is OmitWhenEmpty.CONTENT:
            out.pop("content", None)
            return out
        if replacement:
            builder.record("messages.content", "mapped", Message("empty content is sent as {text}", text=replacement))
        out["content"] = replacement
        return out

    def _calling_turn(self, out: MessageDict, calls: list[Any], builder: RequestBuilder, ids: dict[str, str]) -> None:
        out["tool_calls"] = [self._call(call, builder, ids) for call in calls]
        if builder.sends_reasoning and not out.get("reasoning_content"):
            add_reasoning(out, calls, builder)

    def _call(self, call: MessageDict, builder: RequestBuilder, ids: dict[str, str]) -> MessageDict:
        function = dict(call.get("function") or {})
        name = str(function.get("name") or "")
        function["name"] = vendor_tool_name(builder, name)
        function["arguments"] = function.get("arguments") or "{}"
        out = {**call, "type": call.get("type") or "function", "function": function}
        if self.tool_ids and type(call.get("id")) is str:
            out["id"] = ids.setdefault(call["id"], self.tool_ids.format(name=function["name"], n=len(ids)))
            builder.record("messages.tool_calls.id", "mapped", IDS_NUMBERED, quiet=True)
        return out

    def _parts(
        self, where: str, role: str, parts: list[MessageDict], builder: RequestBuilder
    ) -> str | list[MessageDict]:
        in_role = self.part_roles is None or role in self.part_roles
        if all(part["type"] == "text" and len(part) == 2 for part in parts) and (
            builder.model.input == {"text"} or not in_role
        ):
            builder.record("messages.content", "mapped", PARTS_JOINED if in_role else JOINED_IN_ROLE, quiet=True)
            return "".join(part["text"] for part in parts)
        if not in_role:
            builder.refuse(where, Message("the vendor accepts only text in messages of role {role}", role=role))
        sent = [self._part(f"{where}[{at}]", part, builder) for at, part in enumerate(parts)]
        return [part for part in sent if part["type"] != "text" or part["text"]]

    def _part(self, where: str, part: MessageDict, builder: RequestBuilder) -> MessageDict:
        need = PART_NEEDS.get(part["type"])
        if need is not None and need not in builder.model.input:
            takes = ", ".join(sorted(builder.model.input))
            builder.refuse(
                f"{where}.type",
                Message(
                    "the model accepts only {takes}: map this name to a model that accepts {need}",
                    takes=takes,
                    need=need,
                ),
            )
        if part["type"] == "refusal" and type(part.get("refusal")) is str:
            builder.record("messages.refusal", "mapped", REFUSAL_AS_CONTENT)
            return {"type": "text", "text": part["refusal"]}
        if part["type"] != "image_url":
            return part
        image = image_of(part)
        url = str(image.get("url") or "")
        if not self.image_urls and not url.startswith(("data:", self.file_scheme or "data:")):
            url = image["url"] = fetched_image(f"{where}.image_url.url", url, builder)
        data = DATA_URI.match(url) if self.bare_images else None
        if data is not None:
            image["url"] = url[data.end() :]
            builder.record("messages.image_url", "mapped", BARE_IMAGE, quiet=True)
        detail = image.get("detail")
        if "detail" in image and not (type(detail) is str and detail in self.image_details):
            del image["detail"]
            if detail != "auto":
                builder.record("messages.content.detail", "dropped", NO_DETAIL)
        return {**part, "image_url": image}


def image_of(part: MessageDict) -> MessageDict:
    """Return a copy of the member ``image_url`` of a content part, which may be a URL alone."""
    image = part.get("image_url")
    return {"url": image} if type(image) is str else dict(image or {})


def is_web_url(url: str) -> bool:
    """Whether a URL is of http or https, which are the only ones that banjia fetches."""
    return url[:6].lower().startswith(("http:", "https:"))


def fetched_image(where: str, url: str, builder: RequestBuilder) -> str:
    """Return the data URI of an image that banjia fetched. Raises Refused if it did not or could not fetch it."""
    found = builder.request.images.get(url)
    if type(found) is str:
        builder.record("messages.image_url", "emulated", IMAGE_FETCHED)
        return found
    if isinstance(found, ImageFailure):
        raise Refused(found.param, found.message, code=None)
    if is_web_url(url):
        builder.refuse(where, NO_IMAGE_URLS)
    builder.refuse(where, Message("the vendor accepts images only as data: URIs: send the image data"))
    raise AssertionError  # refuse always raises


def is_plain(message: MessageDict) -> bool:
    """Whether a message only has a role that every vendor supports and a text that is not blank."""
    if len(message) != 2 or message["role"] not in PLAIN_ROLES:
        return False
    content = message.get("content")
    return type(content) is str and content != "" and not content.isspace()


def has_content(content: Any) -> bool:
    """Whether content, in any form, has text that is not blank or a part of another type."""
    if type(content) is str:
        return content != "" and not content.isspace()
    return type(content) is list and any(part["type"] != "text" or has_content(part["text"]) for part in content)


def add_reasoning(message: MessageDict, calls: list[Any], builder: RequestBuilder) -> None:
    """Add the kept reasoning of these calls to their message, else what the vendor accepts in its place, if anything.

    ``calls`` have the ids that the client sent.
    """
    kept = builder.request.reasoning
    text = next((kept[id_] for id_ in call_ids(calls) if id_ in kept), None) if kept else None
    if text is None and builder.blank_reasoning is not None:
        message["reasoning_content"] = builder.blank_reasoning
        builder.record("messages.reasoning_content", "mapped", BLANK_REASONING)
    elif text is not None:
        message["reasoning_content"] = text
        builder.record("messages.reasoning_content", "mapped", RESTORED_REASONING)


def call_ids(calls: list[Any]) -> list[str]:
    """Return the ids of tool calls."""
    return [call["id"] for call in calls if type(call.get("id")) is str]


def vendor_tool_name(builder: RequestBuilder, name: str) -> str:
    """Return the name under which a tool was sent to the vendor."""
    return builder.renamed_tools.get(name, name) if builder.renamed_tools else name
