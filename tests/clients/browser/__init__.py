"""Web pages in a real browser that call the proxy."""
