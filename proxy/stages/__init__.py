"""The steps of the pipeline, in the order in which a request meets them."""
