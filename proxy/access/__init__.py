"""Authentication by client key, and admission by available capacity."""
