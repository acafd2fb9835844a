"""Metrics: the registry, the metrics of requests, the Prometheus text format."""
