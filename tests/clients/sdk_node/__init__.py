"""OpenAI's client for Node on the stage of ``tests/clients/sdk``: ``scripts/extra/sdk-node.sh`` runs ``suite.test.js``."""
