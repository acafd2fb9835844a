"""Tests of the JSON Schema validator."""
