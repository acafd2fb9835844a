"""The server: everything that waits, remembers or talks to the network."""
