"""The admin port: metrics, status, reload."""
