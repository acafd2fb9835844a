"""The commands of a checkout, and their shared parts."""
