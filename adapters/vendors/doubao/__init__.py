"""Doubao, of ByteDance: its table, and the temporary API keys for an access key."""
