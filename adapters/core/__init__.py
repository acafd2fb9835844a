"""The vocabulary that every vendor file, codec and wrapper is written in."""
