"""The metrics of the Responses API: how long chains are, and how reasoning comes back to the vendors that need it."""

from collections import Counter

from proxy.observability.metrics.registry import Histogram, Metrics

LINKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
"""Buckets for the responses of a chain; the last is the longest chain."""
WAYS = ("seal", "stored", "sent", "kept", "none")
"""How the reasoning of an earlier answer with tool calls came back: sealed in the client's item, in the stored item, as open
text in the client's item, by the ids of the calls, or not."""


class ResponsesMetrics:
    """Counters of one server. Requests of other operations never touch them."""

    def __init__(self, metrics: Metrics) -> None:
        self.chain_links = Histogram(LINKS)
        """The responses that were read for each ``previous_response_id``."""
        self.custody: Counter[str] = Counter(dict.fromkeys(WAYS, 0))
        """Earlier answers with tool calls in requests to vendors that read their reasoning, by ``WAYS``."""
        metrics.histogram(
            "banjia_chain_links", "Responses that were read for a previous_response_id.", (),
            lambda: {(): self.chain_links},
        )  # fmt: skip
        metrics.counter(
            "banjia_custody_total",
            "Earlier answers with tool calls in requests of the Responses API, by how their reasoning came back.",
            ("way",),
            lambda: {(way,): self.custody[way] for way in WAYS},
        )
