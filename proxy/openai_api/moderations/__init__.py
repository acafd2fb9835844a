"""POST /v1/moderations."""
