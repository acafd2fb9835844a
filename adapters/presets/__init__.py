"""One module per preset of ``openai_compatible``; ``adapters/registry.py`` collects them beside the vendors."""
