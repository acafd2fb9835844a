#!/usr/bin/env bash
# The suite for OpenAI's client for Node, with the servers of the Python suites.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh

for tool in node npm; do
    command -v "$tool" >/dev/null || not_run "the client for Node: $tool is not installed"
done
version=$(node -p 'process.versions.node')
[ "${version%%.*}" -ge 20 ] || not_run "the client for Node needs Node 20 or newer; found $version"
use_environment .venv requirements/dev.txt

folder=tests/clients/sdk_node
installed="$folder/node_modules/.installed"
if ! cmp -s "$folder/package-lock.json" "$installed"; then
    say "installing $folder/package-lock.json with npm"
    npm ci --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts
    cp "$folder/package-lock.json" "$installed"
fi
PYTHON="$PWD/.venv/bin/python" exec node --test --test-reporter=spec "$folder/suite.test.js"
