"""OpenAI's client for Node, with the servers of ``tests/clients/sdk``: see ``scripts/extra/sdk-node.sh``."""
