"""The models of each vendor: data, overrides of the operator, deprecations, OpenAI's names."""
