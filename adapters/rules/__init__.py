"""The building blocks of vendor tables: verdicts, rules for messages, tools and schemas, and rows of error tables."""
