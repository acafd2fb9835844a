"""Starting, running and stopping the server process."""
