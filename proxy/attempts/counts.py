"""The counts that decide on further attempts of one request, and on the replay of a call.

They are apart from the request's record (``proxy/observability/request_record.py``), which is for the log and the
metrics and decides nothing.
"""

from time import perf_counter

from proxy.routing.retry_budget import RetryBudget

MOST_EARLIER = 100
"""The most earlier requests that a client's retry count may claim."""


class AttemptCounts:
    """The attempts of one request so far.

    ``made``: attempts, including those under way and replays. ``earlier``: requests that the client's SDK made before
    this one for the same call. ``refused``: calls that a vendor's rate limit refused and that then waited for a slot,
    which are no attempts. ``replays``: how many calls may still be sent again over a fresh connection. ``waited_s``: the
    time spent waiting for slots, with no call at a vendor. ``started``: when the request arrived (``perf_counter``).
    ``time_factor``: each attempt may take so many times ``timeouts.total_s``.
    """

    __slots__ = ("earlier", "made", "refused", "replays", "retries", "started", "time_factor", "waited_s")

    def __init__(
        self, retries: RetryBudget, started: float, retry_count: bytes | None = None, time_factor: int = 1
    ) -> None:
        """``retries``: the retry budget of all requests together; ``retry_count``: the client's, as it was sent."""
        self.retries = retries
        self.started = started
        self.made = 0
        self.refused = 0
        self.replays = 1
        self.time_factor = time_factor
        self.waited_s = 0.0
        self.earlier = 0
        if retry_count is not None and retry_count.isdigit():
            self.earlier = min(int(retry_count[:4]), MOST_EARLIER)

    @property
    def total(self) -> int:
        """The attempts of this request and the client's earlier ones."""
        return self.made + self.earlier

    def replay(self) -> bool:
        """Return whether a call lost on a kept connection may be sent again, and count that as an attempt if so."""
        if not self.replays or not self.retries.left():
            return False
        self.retries.spend()
        self.replays -= 1
        self.made += 1
        return True

    def elapsed_s(self) -> float:
        """Return the seconds since the request arrived."""
        return perf_counter() - self.started
