"""Vendor tables and codecs: pure values and functions. No network, no clock, no async (see docs/architecture.md)."""
