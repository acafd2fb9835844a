#!/usr/bin/env bash
# The tests that OpenAI's client of July 2024 came with, against a mock made of OpenAI's description: directly, and with
# banjia between. For calls that do not stream both must end the same: banjia alters nothing it need not.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
command -v npm >/dev/null || not_run "OpenAI's own tests: npm is not installed"
folder=.venvs/openai-tests
use_environment "$folder" requirements/openai-tests.txt
use_node_modules .venvs/openai-mock tests/clients/openai_tests

# The tests are in the client's source only, which the lock file has the hash of.
if [ ! -d "$folder/source" ]; then
    say "fetching the client's source"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    awk '/^openai==/ { on = 1 } on { print } on && !/\\$/ { exit }' requirements/openai-tests.txt >"$work/openai.txt"
    "$folder/bin/python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
        --no-build-isolation --no-binary openai --dest "$work" -r "$work/openai.txt"
    mkdir "$work/source"
    tar -xzf "$work"/openai-*.tar.gz -C "$work/source" --strip-components 1
    mv "$work/source" "$folder/source"
fi

exec "$folder/bin/python" -m tests.clients.openai_tests.measure "$folder/source" .venvs/openai-mock/node_modules/.bin/steady
