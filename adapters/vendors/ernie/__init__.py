"""ERNIE, of Baidu: its table, and the reader of its chat responses."""
