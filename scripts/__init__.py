"""The commands of a checkout, and what they share."""
