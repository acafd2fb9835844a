"""OpenAI's client for Node on the stage of ``tests/sdk``: ``scripts/extra/sdk-node.sh`` runs ``suite.test.js``."""
