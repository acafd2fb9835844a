"""OpenAI's wire: bodies in, events out as OpenAI's clients expect them."""
