"""The server side of client connections: HTTP protocol, request checks, path routing."""
