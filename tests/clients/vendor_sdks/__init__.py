"""The vendors' own Python SDKs against our emulators: what speaks with the vendor must speak with its stand-in.

Each SDK is collected only where it is installed: `scripts/extra/vendor-sdks.sh` brings them, in an environment of their
own, since what they need does not go together with what the proxy needs.
"""
