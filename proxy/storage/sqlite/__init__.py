"""The store in one SQLite file: standard library only, one writer thread, several reader threads."""
