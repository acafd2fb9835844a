"""What the operator says: settings from a file and the environment, and the catalogs of models."""
