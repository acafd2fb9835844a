#!/usr/bin/env bash
# The smoke run of scripts/acceptance: each part with tiny counts. Only the full run judges waits.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec scripts/acceptance --smoke
