"""The vendors' own Python SDKs against the emulators: an SDK that works with the vendor must work with its emulator.

A suite is collected only if its SDK is installed: `scripts/extra/vendor-sdks.sh` installs them in a separate environment,
because their dependencies conflict with those of the proxy.
"""
