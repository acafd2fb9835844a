#!/usr/bin/env bash
# The smoke of scripts/acceptance: each part runs with tiny counts. Waits are measured, and judged by scripts/acceptance alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec scripts/acceptance --smoke
