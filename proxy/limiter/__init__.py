"""Rate limiting of calls to vendors: per key and model, from the configuration and from the 429s of the vendor."""
