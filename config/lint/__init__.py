"""Checks of a configuration beyond single keys: what must fit together, and what may not be meant."""
