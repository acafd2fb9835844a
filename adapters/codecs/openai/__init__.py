"""The codec of vendors that speak OpenAI's own shape, or nearly: most of them."""
