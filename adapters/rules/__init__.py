"""The parts that vendors' tables are made of and share: verdicts for messages and tools, rows of error tables."""
