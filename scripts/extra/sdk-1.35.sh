#!/usr/bin/env bash
# The suite for the official client, with the client and the httpx of July 2024.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/sdk-1.35 requirements/sdk-1.35.txt
# Without the alias of httpx to httpx2: this client needs its own version of httpx.
exec .venvs/sdk-1.35/bin/python -m pytest -q -o addopts="-ra --strict-markers --strict-config" tests/clients/sdk
