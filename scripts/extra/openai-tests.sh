#!/usr/bin/env bash
# The tests of OpenAI's client of July 2024 against a mock made from OpenAI's API description: directly, and through
# banjia. Calls that do not stream must have the same result: banjia alters nothing needlessly.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
command -v npm >/dev/null || not_run "OpenAI's own tests: npm is not installed"
folder=.venvs/openai-tests
use_environment "$folder" requirements/openai-tests.txt
use_node_modules .venvs/openai-mock tests/clients/openai_tests

# Only the client's source distribution has the tests; the lock file has its hash.
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
