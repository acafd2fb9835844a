"""What banjia knows of vendors: pure values and functions. No network, no clock, no async (see docs/architecture.md)."""
