"""Metrics: the registry, what is measured of requests, Prometheus text."""
