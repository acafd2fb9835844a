"""Loaded before any other plugin: respx imports httpx, and must get httpx2 under that name to intercept the calls."""

import httpx2

httpx2.alias_httpx()
