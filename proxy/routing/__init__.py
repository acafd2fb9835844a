"""Where requests go: routes, load balancing, circuit breaker, and what is known of targets."""
