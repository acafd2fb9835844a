"""The languages of messages: which one a reader wants, and what a message is in it."""
