"""Smaller vectors than a model offers: banjia cuts each vector and normalizes the rest to length 1.

Only for models whose catalog row says that prefixes of their vectors are meant to be used (fact ``prefix_dimensions``).
"""

from base64 import b64decode, b64encode
from math import hypot, isfinite
from struct import pack, unpack
from typing import Any

from adapters.core.event import Event
from adapters.core.exchange import Do, Done, Emit, Exchange, Fail, Make
from adapters.core.failures import Failure
from adapters.core.message import Message
from adapters.core.request import ApiRequest, AttemptIds
from adapters.core.vendor import Plan
from adapters.core.wrapper import Wrapper

FLOAT_BYTES = 4
"""The size of a number of a vector in base64: a little-endian float32."""


def cut_dimensions(make: Make, plan: Plan) -> Make:
    """Wrap ``make`` if the plan emulates ``dimensions``."""
    size = plan.emulations.get("dimensions")
    if size is None:
        return make
    title = plan.target.vendor.title
    return lambda request, attempt_ids: CutDimensions(make, request, attempt_ids, size, title)


class CutDimensions(Wrapper):
    """Cuts the vectors of one call to ``size`` numbers. ``vendor``: its title, for messages."""

    def __init__(self, make: Make, request: ApiRequest, attempt_ids: AttemptIds, size: int, vendor: str) -> None:
        super().__init__()
        self._child = make(request, attempt_ids)
        self._size = size
        self._vendor = vendor
        self._wrong: Message | None = None

    def start(self) -> list[Do]:
        """Start the call."""
        return self.begin(self._child)

    def on_emit(self, child: Exchange, events: list[Event]) -> list[Do]:
        """Pass on the cut vectors; nothing if one of them is too short."""
        for event in events:
            data = event.edit()
            data["data"] = [{**item, "embedding": self._cut(item["embedding"])} for item in data["data"]]
        return [] if self._wrong is not None else [Emit(events)]

    def on_done(self, child: Exchange) -> list[Do]:
        """Complete the response; fail if a vector was too short."""
        if self._wrong is None:
            return [Done()]
        return [Fail(Failure.of("invalid_response", self._wrong, cause="error_in_200"))]

    def _cut(self, vector: Any) -> Any:
        """Cut a vector, in the form in which it came: a list of numbers, or base64."""
        numbers = decoded(vector) if type(vector) is str else vector
        if len(numbers) < self._size:
            self._wrong = Message(
                "{vendor} sent a vector of {got} numbers, fewer than the {wanted} that were requested.",
                vendor=self._vendor,
                got=len(numbers),
                wanted=self._size,
            )
            return vector
        short = normalized(numbers[: self._size])
        return b64encode(pack(f"<{len(short)}f", *short)).decode("ascii") if type(vector) is str else short


def decoded(text: str) -> list[float]:
    """Return the numbers of a vector in base64; none if it is not valid."""
    try:
        packed = b64decode(text, validate=True)
    except ValueError:
        return []
    if len(packed) % FLOAT_BYTES:
        return []
    return list(unpack(f"<{len(packed) // FLOAT_BYTES}f", packed))


def normalized(vector: list[float]) -> list[float]:
    """Return the vector with the length (L2) 1; unchanged if it has no direction or no finite length."""
    length = hypot(*vector)
    return [number / length for number in vector] if length > 0 and isfinite(length) else vector
