"""Tests of the tables and of the rules that they consist of."""
