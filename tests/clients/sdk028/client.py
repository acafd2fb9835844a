"""The client of 2023 for tests. Its module differs from today's, which type checkers know, so it is typed Any."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from emulators import Emulator, ReceivedRequest
from tests.support.client_stage import Front, chat_body, until

openai: Any = importlib.import_module("openai")


@dataclass
class Site:
    """The fixture of a test: one vendor, a proxy in front of it, and the client pointed at it."""

    vendor: str
    emulator: Emulator
    front: Front

    @contextmanager
    def session(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """One connection pool for the block, closed at its end: the client itself never closes one."""
        requests: Any = importlib.import_module("requests")
        with requests.Session() as session:
            session.trust_env = False
            monkeypatch.setattr(openai, "requestssession", session)
            yield

    @property
    def calls(self) -> list[ReceivedRequest]:
        """The chat and embedding calls that reached the vendor in this test."""
        return self.emulator.requests

    def counted(self) -> tuple[int, int, int]:
        """The tokens that the vendor counted for the last call: prompt, completion and both. It counts at its end."""
        until(lambda: self.calls[-1].usage is not None)
        usage = self.calls[-1].usage or {}
        return usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]

    def chat(self, content: Any = "Hello", **more: Any) -> Any:
        """One chat completion: a user's message, or a list of messages."""
        return openai.ChatCompletion.create(**chat_body(content, **more))

    def stream(self, content: Any = "Hello", **more: Any) -> list[Any]:
        """All chunks of a streamed chat completion."""
        return list(self.chat(content, stream=True, **more))


def text_of(chunks: list[Any]) -> str:
    """The text that a stream's chunks add up to."""
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
