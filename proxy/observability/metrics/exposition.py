"""The metrics of a server in the Prometheus text format. Imported only if the admin port is on."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.observability.metrics.registry import Family, Histogram, Metrics


class Exposition(Collector):
    """A separate registry with the metrics of the process and those of banjia."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the page and its content type, in the format that the ``accept`` header requests."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type

    def describe(self) -> list[Metric]:
        """Return nothing: Metrics ensures unique names, and reading all metrics to list them would be wasteful."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield the current metrics."""
        for family in self._metrics.families.values():
            yield _metric(family)


def _metric(family: Family) -> Metric:
    values = family.read().items()
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in values:
            histogram.add_metric(labels, _buckets(value), value.sum)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for labels, value in values:
        metric.add_metric(labels, value)
    return metric


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return upper bounds with the cumulative number of values."""
    bounds = [*(str(float(bound)) for bound in histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
