"""Configuration: settings from a file and the environment, the model catalogs, and routing."""
