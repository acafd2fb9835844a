"""One module per vendor; ``adapters/registry.py`` collects them."""
