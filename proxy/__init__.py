"""The proxy server: everything with I/O, state or waiting."""
