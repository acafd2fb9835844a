#!/usr/bin/env bash
# The suite for the official client, version 2, the last that uses httpx.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/sdk-2 requirements/sdk-2.txt
# Without the alias of httpx to httpx2: this client needs its own version of httpx.
exec .venvs/sdk-2/bin/python -m pytest -q -o addopts="-ra --strict-markers --strict-config" tests/clients/sdk
