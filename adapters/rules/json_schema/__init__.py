"""JSON Schema: rewriting in the dialect of one vendor."""
