"""What answers under each path: thin, for the work is in the pipeline."""
