"""Our side of the client connection: HTTP protocol, request checks, path routing."""
