"""The official Python SDK against the proxy and the emulators, over real sockets.

Uses only the common API of openai 1.35 (July 2024) and openai 3: the same files run on both. Everything that the proxy
sends in these tests is recorded and checked against OpenAI's published description.
"""
