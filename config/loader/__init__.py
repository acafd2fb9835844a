"""Files and environment to settings: YAML, interpolation, validation, and errors with file, line and column."""
