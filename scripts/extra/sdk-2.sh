#!/usr/bin/env bash
# The suite of the official client again, with its second generation: the last that uses httpx.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/sdk-2 requirements/sdk-2.txt
# Without the alias of httpx to httpx2: this client brings the httpx that it was made for.
exec .venvs/sdk-2/bin/python -m pytest -q -o addopts="-ra --strict-markers --strict-config" tests/clients/sdk
