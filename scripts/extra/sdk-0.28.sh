#!/usr/bin/env bash
# The suite for the official client of 2023, version 0.28, which has a different API and uses requests.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/sdk-0.28 requirements/sdk-0.28.txt
# Without the alias of httpx to httpx2: nothing is mocked here, and all calls use real sockets.
exec .venvs/sdk-0.28/bin/python -m pytest -q -o addopts="-ra --strict-markers --strict-config" tests/clients/sdk028
