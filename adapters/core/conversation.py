"""What a vendor takes in ``messages``, as data, and the one function that brings a conversation into that shape."""

from dataclasses import dataclass
from typing import Any

from adapters.core.params import Draft, Word

Message = dict[str, Any]

PART_NEEDS = {"image_url": "image", "video_url": "video", "video": "video", "input_audio": "audio", "file": "file"}
"""The kind of input a model must take for a content part of this type."""

WORDS: tuple[Word, ...] = ("honoured", "mapped", "dropped", "refused")


@dataclass(frozen=True, slots=True)
class Conversation:
    """One vendor's rules for messages; used as the verdict on ``messages``.

    ``developer``: the role is known; else it becomes ``system``. ``names``: a message may have a ``name``.
    ``image_urls``: public URLs are taken, beside data URIs and the ``file_scheme``. ``image_detail``: ``detail`` is
    known. ``empty_beside_calls``: ``content: ""`` is taken beside tool calls; else it is left out. ``tool_ids``: how
    tool calls are numbered for the vendor (``None``: as they came). ``reasoning_beside_calls``: with thinking on, a
    turn that called tools must carry ``reasoning_content``; where the client lost it a blank stands in.
    """

    developer: bool = False
    names: bool = True
    image_urls: bool = True
    file_scheme: str | None = None
    image_detail: bool = True
    empty_beside_calls: bool = True
    tool_ids: str | None = None
    reasoning_beside_calls: bool = False
    why: str = "roles, parts and ids in the vendor's words"
    words: tuple[Word, ...] = WORDS

    def apply(self, name: str, value: Any, draft: Draft) -> None:
        """Write the conversation into the draft. Raises Refused for a part that the model can't take."""
        ids: dict[str, str] = {}
        draft.body[name] = [self._message(f"{name}[{at}]", message, draft, ids) for at, message in enumerate(value)]
        if not any(field.startswith(name) for field in draft.told):
            draft.tell(name, "honoured", "sent as it came")

    def _message(self, where: str, message: Message, draft: Draft, ids: dict[str, str]) -> Message:
        out = dict(message)
        role = out["role"]
        if role == "developer" and not self.developer:
            out["role"] = "system"
            draft.tell("messages.role", "mapped", "developer is sent as system")
        if not self.names and out.pop("name", None) is not None:
            draft.tell("messages.name", "dropped", "the vendor knows no names of speakers")
        if type(out.get("content")) is list:
            out["content"] = self._parts(f"{where}.content", out["content"], draft)
        calls = out.get("tool_calls")
        if calls:
            self._calling_turn(out, calls, draft, ids)
        elif role == "tool" and self.tool_ids:
            out["tool_call_id"] = ids.get(out["tool_call_id"], out["tool_call_id"])
        elif "tool_calls" in out:
            del out["tool_calls"]
        return {key: member for key, member in out.items() if member is not None or key == "content"}

    def _calling_turn(self, out: Message, calls: list[Any], draft: Draft, ids: dict[str, str]) -> None:
        out["tool_calls"] = [self._call(call, draft, ids) for call in calls]
        if not out.get("content") and not self.empty_beside_calls:
            out.pop("content", None)
        if self.reasoning_beside_calls and draft.thinks and not out.get("reasoning_content"):
            out["reasoning_content"] = " "
            draft.tell("messages.reasoning_content", "mapped", "a blank stands in for reasoning the client left out")

    def _call(self, call: Message, draft: Draft, ids: dict[str, str]) -> Message:
        function = dict(call.get("function") or {})
        name = str(function.get("name") or "")
        function["name"] = renamed(draft, name)
        function["arguments"] = function.get("arguments") or "{}"
        out = {**call, "type": call.get("type") or "function", "function": function}
        if self.tool_ids and type(call.get("id")) is str:
            out["id"] = ids.setdefault(call["id"], self.tool_ids.format(name=function["name"], n=len(ids)))
            draft.tell("messages.tool_calls.id", "mapped", "numbered as the vendor numbers them", quiet=True)
        return out

    def _parts(self, where: str, parts: list[Message], draft: Draft) -> str | list[Message]:
        if all(part["type"] == "text" and len(part) == 2 for part in parts) and draft.model.input == {"text"}:
            draft.tell("messages.content", "mapped", "parts of text are joined for a model that takes text", quiet=True)
            return "".join(part["text"] for part in parts)
        return [self._part(f"{where}[{at}]", part, draft) for at, part in enumerate(parts)]

    def _part(self, where: str, part: Message, draft: Draft) -> Message:
        need = PART_NEEDS.get(part["type"])
        if need is not None and need not in draft.model.input:
            takes = ", ".join(sorted(draft.model.input))
            draft.refuse(f"{where}.type", f"the model takes {takes}; map this name to a model that takes {need}")
        if part["type"] != "image_url":
            return part
        image = part.get("image_url")
        image = {"url": image} if type(image) is str else dict(image or {})
        url = str(image.get("url") or "")
        if not self.image_urls and not url.startswith(("data:", self.file_scheme or "data:")):
            draft.refuse(
                f"{where}.image_url.url",
                "the vendor takes data: URIs only, and images are not fetched: send the image itself",
            )
        if "detail" in image and not self.image_detail:
            detail = image.pop("detail")
            if detail != "auto":
                draft.tell("messages.content.detail", "dropped", "the vendor has no levels of detail")
        return {**part, "image_url": image}


def renamed(draft: Draft, name: str) -> str:
    """The name under which a tool was offered to the vendor."""
    return draft.renamed.get(name, name) if draft.renamed else name
