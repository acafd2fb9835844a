"""Calls to vendors over HTTP."""
