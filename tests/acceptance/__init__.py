"""The parts of ``scripts/acceptance`` that run under pytest. The file names keep them out of ``scripts/test``."""
