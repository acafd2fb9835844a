"""The attempts of one request: failover, retries, hedging, deadlines."""
