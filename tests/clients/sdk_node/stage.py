"""Runs emulators and proxies for a test in another language, which controls them by lines of JSON.

The first line on standard output has all addresses. Then each line on standard input is a command, answered with one
line. The end of standard input ends the process.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from tests.clients.sdk.test_broken_streams import SHORT
from tests.support.client_stage import KEY, VARIANTS, Front, Stage
from tests.support.openai_spec import obeys
from tests.support.vendor_response import response_of

CLIENT_KEY = "sk-client-00000001"
FRONTS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "short": {"timeouts": SHORT},
    "keyed": {"server": {"client_keys": [CLIENT_KEY]}},
    "once": {"policy": {"max_wait_s": 0, "moderations": "pass"}},
    "beating": {"server": {"hold_status_s": 0.05, "heartbeat_s": 0.05}},
}
"""The proxies in front of each vendor, by what is special about them."""


class Steered:
    """The servers, and the commands for them."""

    def __init__(self, stage: Stage, fronts: Mapping[str, Mapping[str, Front]]) -> None:
        self._stage = stage
        self._fronts = fronts

    def places(self) -> dict[str, Any]:
        """Return for each vendor the URL of each of its proxies."""
        urls = {
            vendor: {name: front.running.url for name, front in fronts.items()}
            for vendor, fronts in self._fronts.items()
        }
        return {"vendors": urls, "key": KEY, "clientKey": CLIENT_KEY}

    def reset(self) -> dict[str, Any]:
        """Check all sent data against OpenAI's description, then reset it, and the faults and requests."""
        fronts = [front for fronts in self._fronts.values() for front in fronts.values()]
        wrong = [text for front in fronts for seen in front.seen if (text := _complaint(seen))]
        wrong += [what for front in fronts for what in front.running.take_violations()]
        self._stage.reset()
        for front in fronts:
            front.forget()
        return {"wrong": wrong}

    def faults(self, vendor: str, faults: list[str]) -> dict[str, Any]:
        """Set the emulator's faults."""
        self._stage.emulators[vendor].set_faults(faults)
        return {}

    def failure(self, vendor: str) -> dict[str, Any]:
        """Return the code of the error that the vendor's table of failures gives its response."""
        return {"code": response_of(self._stage, vendor, self._fronts[vendor]["plain"]).failure.code}

    def state(self, vendor: str, front: str) -> dict[str, Any]:
        """Return the requests that reached the vendor, whether one is active, and the responses of the proxy."""
        emulator = self._stage.emulators[vendor]
        calls = [
            {"path": one.path, "headers": one.headers, "body": one.body, "usage": one.usage, "ending": one.ending}
            for one in emulator.requests
        ]
        seen = [
            {"path": one.path, "status": one.status, "ended": one.ended} for one in self._fronts[vendor][front].seen
        ]
        return {"active": emulator.active, "calls": calls, "seen": seen}


def _complaint(seen: Any) -> str:
    try:
        obeys(seen)
    except AssertionError as wrong:
        return f"{seen.path}: {wrong}"
    return ""


def main() -> None:
    """Serve until standard input ends."""
    with ExitStack() as stack:
        stage = Stage()
        stack.callback(stage.close)
        fronts = {
            vendor: {
                name: stack.enter_context(stage.front(stage.settings(vendor, **more))) for name, more in FRONTS.items()
            }
            for vendor, variant in VARIANTS.items()
            if variant.variant is None  # what the other variants lack is told in the Python suites
        }
        steered = Steered(stage, fronts)
        _tell(steered.places())
        for line in sys.stdin:
            wish = json.loads(line)
            _tell(getattr(steered, wish.pop("do"))(**wish))


def _tell(what: Mapping[str, Any]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - this is the other side of a pipe


if __name__ == "__main__":
    main()
