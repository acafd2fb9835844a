#!/usr/bin/env bash
# A page in Chromium calls the proxy with fetch and with OpenAI's SDK, allowed by server.cors_origins; a page of another
# origin cannot.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh

chromium=""
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then chromium=$name; break; fi
done
[ -n "$chromium" ] || not_run "a page in a browser: Chromium is not installed"
use_environment .venv requirements/dev.txt

sdk=()
if command -v npm >/dev/null; then
    use_node_modules .venvs/openai-node tests/clients/sdk_node
    sdk=(.venvs/openai-node/node_modules/openai)
fi
.venv/bin/python -m tests.clients.browser.run "$chromium" "${sdk[@]}"
[ "${#sdk[@]}" -gt 0 ] || not_run "OpenAI's SDK in a page: npm is not installed"
