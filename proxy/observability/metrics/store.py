"""The metrics of the store."""

from proxy.observability.metrics.registry import Metrics
from proxy.storage.interface import Store
from proxy.storage.memory.store import MemoryStore


def register_store(metrics: Metrics, store: Store) -> None:
    """Register the metrics of a store; operations and their failures are those of a store on disk."""
    counted = store.metrics
    metrics.gauge(
        "banjia_store_bytes", "Size of the store, and its limit if it has one.", ("kind",),
        lambda: {(kind,): size for kind, size in counted.sizes().items()},
    )  # fmt: skip
    metrics.counter(
        "banjia_store_removed_total", "Objects removed from the store, by cause.", ("cause",),
        lambda: {(cause,): count for cause, count in counted.removed.items()},
    )  # fmt: skip
    metrics.gauge(
        "banjia_store_entries", "Objects of the store in memory.", (),
        lambda: {(): len(store)} if isinstance(store, MemoryStore) else {},
    )  # fmt: skip
    metrics.counter(
        "banjia_store_ops_total", "Operations of the store on disk.", ("operation",),
        lambda: {(name,): count for name, count in counted.operations.items()},
    )  # fmt: skip
    metrics.counter(
        "banjia_store_seconds_total", "Time that requests waited for operations of the store.", ("operation",),
        lambda: {(name,): seconds for name, seconds in counted.seconds.items()},
    )  # fmt: skip
    metrics.counter(
        "banjia_store_failures_total", "Operations for which the store was not available, by cause.", ("cause",),
        lambda: {(trouble,): count for trouble, count in counted.failures.items()},
    )  # fmt: skip
    metrics.counter(
        "banjia_store_transactions_total", "Transactions that were written; one has the writes of several requests.",
        (), lambda: {(): counted.transactions} if store.is_durable else {},
    )  # fmt: skip
