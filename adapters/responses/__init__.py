"""OpenAI's Responses API in terms of chat: items, tools, the response object. Pure."""
