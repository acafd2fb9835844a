"""An HTTP/1.1 client: pool, connection, connect, request."""
