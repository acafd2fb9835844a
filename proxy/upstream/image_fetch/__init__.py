"""Fetch images from URLs that clients send: the URL, the address check, the download and its limits."""
