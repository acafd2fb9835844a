"""The official Python SDK of 2023, openai 0.28, against the proxy and the emulators: another API, on ``requests``.

Runs in an environment of its own (``scripts/extra/sdk-0.28.sh``), on the stage of ``tests/clients/sdk``. Everything that the
proxy sends is held to OpenAI's published description there too.
"""
