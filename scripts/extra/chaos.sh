#!/usr/bin/env bash
# The chaos run: 1,000 requests through two instances while vendors, networks, clients and operators misbehave.
# With other arguments: scripts/extra/chaos.sh --seed 7 --requests 10000 --report report.json
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venv requirements/dev.txt
exec .venv/bin/python -m tests.chaos.run --requests 1000 "$@"
