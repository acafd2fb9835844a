"""Choose targets for requests: model lookup, load balancing, circuit breaker, latencies, retry budget."""
