"""Web pages in a real browser in front of the proxy."""
