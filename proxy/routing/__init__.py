"""Where requests go: what is known of the targets that they are routed to."""
