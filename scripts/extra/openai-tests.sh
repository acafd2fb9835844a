#!/usr/bin/env bash
# The tests of OpenAI's client against a mock made from OpenAI's API description: directly, and through banjia. Of the
# client of July 2024, calls that do not stream must have the same result: banjia alters nothing needlessly. The tests of
# Responses and Conversations are those of today's client: a plugin creates the objects that they name.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
command -v npm >/dev/null || not_run "OpenAI's own tests: npm is not installed"
mock=.venvs/openai-mock
use_node_modules "$mock" tests/clients/openai_tests

# run NAME MODULE: runs the module in an environment of requirements/NAME.txt, with the client's source.
run() {
    local folder=.venvs/$1 requirements=requirements/$1.txt work
    use_environment "$folder" "$requirements"
    # Only the client's source distribution has the tests; the lock file has its hash.
    if [ ! -d "$folder/source" ]; then
        say "fetching the client's source"
        work=$(mktemp -d)
        awk '/^openai==/ { on = 1 } on { print } on && !/\\$/ { exit }' "$requirements" >"$work/openai.txt"
        "$folder/bin/python" -m pip download --quiet --disable-pip-version-check --require-hashes --no-deps \
            --no-build-isolation --no-binary openai --dest "$work" -r "$work/openai.txt"
        mkdir "$work/source"
        tar -xzf "$work"/openai-*.tar.gz -C "$work/source" --strip-components 1
        mv "$work/source" "$folder/source"
        rm -rf "$work"
    fi
    "$folder/bin/python" -m "tests.clients.openai_tests.$2" "$folder/source" "$mock/node_modules/.bin/steady"
}

run openai-tests measure
run openai-tests-3 measure_responses
