"""The codec of vendors with OpenAI's protocol, or nearly: most of them."""
