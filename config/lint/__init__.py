"""Checks across keys: settings that contradict each other, and settings that probably are mistakes."""
