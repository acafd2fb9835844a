"""OpenAI's Responses API over chat: what an answer becomes."""
