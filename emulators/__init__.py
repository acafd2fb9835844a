"""Stand-in vendors: strict, deterministic, and sharing no code with the adapters that they judge."""
