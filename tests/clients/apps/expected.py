"""Parts of applications that are known to fail, or that wait for a capability that banjia does not have yet.

A key has an application, a vendor or ``*``, and a part. A listed part that passes fails the run.
"""

from typing import NamedTuple

Key = tuple[str, str, str]

EXPECTED_FAILURES: dict[Key, str] = {
    (
        "autogen-0.2",
        "ernie",
        "chosen_speakers",
    ): "no flaw: ERNIE gets neighbouring turns as one, which its stand-in repeats whole, so that it names every speaker",
    (
        "mem0",
        "ernie",
        "openais_width",
    ): "no flaw: ERNIE's vectors have 1,024 numbers at most, and the store wants 1,536",
    ("mem0", "hunyuan", "openais_width"): "no flaw: Hunyuan's vectors have 1,024 numbers, and the store wants 1,536",
}
"""Parts that fail, each with its cause."""


class Wait(NamedTuple):
    """A part that needs a capability that banjia does not have yet.

    banjia answers it with one error, whose code in the log is ``code``.
    """

    capability: str
    code: str


SCHEMAS = "JSON schemas by emulation"
RESPONSES = Wait("the Responses API", "not_supported")
WAITS: dict[Key, Wait] = {
    ("ai-sdk", "qwen", "structured"): Wait(SCHEMAS, "unsupported_parameter"),
    ("crewai", "qwen", "structured"): Wait(SCHEMAS, "unsupported_parameter"),
    ("ai-sdk", "*", "responses"): RESPONSES,
    ("llm", "*", "responses"): RESPONSES,
}


def failure(name: str, vendor: str, part: str) -> str | None:
    """Return why this part is expected to fail."""
    return EXPECTED_FAILURES.get((name, vendor, part)) or EXPECTED_FAILURES.get((name, "*", part))


def wait(name: str, vendor: str, part: str) -> Wait | None:
    """Return what this part waits for."""
    return WAITS.get((name, vendor, part)) or WAITS.get((name, "*", part))
