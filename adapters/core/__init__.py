"""The types that every vendor table, codec and wrapper is built from."""
