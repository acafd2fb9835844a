"""Exchanges: how one attempt is spoken on a vendor's wire."""
