"""The official Python SDK of 2023, openai 0.28, against the proxy and the emulators: a different API, on ``requests``.

Runs in a separate environment (``scripts/extra/sdk-0.28.sh``), with the servers of ``tests/clients/sdk``. Everything that
the proxy sends is checked against OpenAI's published description there too.
"""
