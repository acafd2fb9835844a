"""Load settings from files and the environment: YAML, interpolation, validation, errors with file, line and column."""
