"""The families of a server in the text that Prometheus reads. Imported only where somebody may look."""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from proxy.observability.metrics.registry import Family, Histogram, Metrics


class Exposition(Collector):
    """One registry of its own, with what the system knows of the process beside our families."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """The page and its content type, in the spelling that the reader's ``accept`` header asks for."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type

    def describe(self) -> list[Metric]:
        """Nothing: our names are kept apart by Metrics, and reading all to know them would be waste."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The figures of the moment."""
        for family in self._metrics.families.values():
            yield _metric(family)


def _metric(family: Family) -> Metric:
    figures = family.read().items()
    if family.kind == "histogram":
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, figure in figures:
            histogram.add_metric(labels, _buckets(figure), figure.sum)
        return histogram
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.help, labels=family.labels)
    for labels, figure in figures:
        metric.add_metric(labels, figure)
    return metric


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Upper bounds with how many figures are at most as large."""
    bounds = [*(str(float(bound)) for bound in histogram.bounds), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))
