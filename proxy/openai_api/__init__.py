"""The endpoints of OpenAI's API: what requests carry and what responses look like."""
