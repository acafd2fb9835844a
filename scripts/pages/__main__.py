"""``python -m scripts.pages``: see scripts/docs."""

from scripts.pages import write

write()
