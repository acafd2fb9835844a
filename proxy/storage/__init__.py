"""Where banjia keeps state between requests."""
