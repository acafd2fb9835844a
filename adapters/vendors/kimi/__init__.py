"""Kimi, of Moonshot AI: its table, and its dialect of JSON Schema."""
