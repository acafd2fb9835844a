#!/usr/bin/env bash
# The vendors' own SDKs against the emulators.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/vendor-sdks requirements/vendor-sdks.txt
# Without the alias of httpx to httpx2: neither is installed.
exec .venvs/vendor-sdks/bin/python -m pytest -q -o addopts="-ra --strict-markers --strict-config" tests/clients/vendor_sdks
