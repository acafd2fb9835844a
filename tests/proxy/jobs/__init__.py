"""Work that belongs to the server and not to a connection."""
