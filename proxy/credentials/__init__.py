"""Credentials of vendors and clients."""
