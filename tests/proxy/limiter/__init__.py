"""Rate limits: the scheduler on a virtual clock, and the limiter over real sockets."""
