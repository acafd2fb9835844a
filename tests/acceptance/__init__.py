"""What ``scripts/acceptance`` judges by pytest. The names of these files keep them out of ``scripts/test``."""
