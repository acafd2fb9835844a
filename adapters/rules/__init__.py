"""The parts that vendors' tables are made of and share."""
