"""The official Python SDK against the proxy and the emulators, all over real sockets.

Written against what openai 1.35 (July 2024) and openai 3 have in common: the same files run on both. Everything that
the proxy sends in these tests is recorded and held to OpenAI's published description.
"""
