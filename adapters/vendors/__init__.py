"""The vendors: a file each. The registry finds them here."""
