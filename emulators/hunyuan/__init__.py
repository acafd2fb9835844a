"""The emulator of Hunyuan (Tencent), with both of its OpenAI-shaped editions; the native protocol is not served.

Written from the vendor's fact sheet, whose sections the comments name. At the vendor the editions have the same path on
hosts of their own; on one port they differ by path: TokenHub, the current one, is at `/v1`, the classic one
(`api.hunyuan.cloud.tencent.com`) at `/classic/v1`. Each has its own key, models, rules and errors.

Where the sheet is not sure (its M and L) or says nothing, the emulator takes the stricter reading, and a comment states
it.

`BANJIA_EMULATOR_RETIRED=1` in the environment also serves TokenHub's retired models. All of the classic
platform was announced to stop on 2026-09-30 (sheet, Retirement); its models are served nevertheless, so that
clients that still use it can be tested.
"""

import itertools
from collections.abc import Mapping

from emulators.core.http import HttpRequest
from emulators.core.responses import ModelResponse, Response
from emulators.hunyuan.classic import Classic
from emulators.hunyuan.edition import Edition
from emulators.hunyuan.tokenhub import TokenHub

MADE_UP_KEY = "sk-emulated-tokenhub-0000000000000001"
MADE_UP_CLASSIC_KEY = "sk-emulated-hunyuan-0000000000000001"
CLASSIC = "/classic/v1"


class Hunyuan:
    """The vendor, with two editions at different paths."""

    name = "hunyuan"
    prefix = "/v1"

    def __init__(self, environ: Mapping[str, str]) -> None:
        numbers = itertools.count(1)
        # sheet 1: Env vars
        key = environ.get("TOKENHUB_API_KEY") or environ.get("TENCENT_TOKENHUB_API_KEY") or MADE_UP_KEY
        retired = environ.get("BANJIA_EMULATOR_RETIRED") == "1"
        self._tokenhub = TokenHub(key, numbers, retired=retired)
        key = environ.get("HUNYUAN_API_KEY") or environ.get("TENCENT_HUNYUAN_API_KEY") or MADE_UP_CLASSIC_KEY
        self._classic = Classic(key, numbers)

    def environment(self, base_url: str) -> dict[str, str]:
        return {
            "TOKENHUB_API_KEY": self._tokenhub.key,
            "TOKENHUB_BASE_URL": base_url,
            "HUNYUAN_API_KEY": self._classic.key,
            "HUNYUAN_BASE_URL": base_url.removesuffix(self.prefix) + CLASSIC,
        }

    def answer(self, request: HttpRequest) -> Response | ModelResponse:
        edition, path = self._asked(request)
        return edition.answer(request, path)

    def failure(self, name: str, value: float | None, request: HttpRequest) -> Response:
        edition, _ = self._asked(request)
        return edition.failure(name, value, request)

    def _asked(self, request: HttpRequest) -> tuple[Edition, str]:
        """Return the edition of a request, and its path there; TokenHub refuses unknown paths."""
        if request.path.startswith(f"{CLASSIC}/"):
            return self._classic, request.path.removeprefix(CLASSIC)
        return self._tokenhub, request.path.removeprefix(self.prefix)
