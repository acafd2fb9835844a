"""The parameters of OpenAI's endpoints, as data, and their validation."""
