"""Benchmarks: a mock vendor, a load generator, a plain relay for comparison, and the program that runs them."""
