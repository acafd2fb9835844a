"""The endpoints of OpenAI's API: parsing of requests and writing of responses."""
