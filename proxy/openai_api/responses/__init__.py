"""OpenAI's Responses and Conversations APIs: requests over chat, and the objects that banjia stores for them."""
