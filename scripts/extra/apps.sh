#!/usr/bin/env bash
# Unmodified applications against every emulated vendor, each in a separate environment and with only its environment
# variables changed. With --acceptance also the larger set; with names, only those applications.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venv requirements/dev.txt

sets="ci"
if [ "${1:-}" = --acceptance ]; then
    sets="ci acceptance structured"
    shift
fi
wanted=" $* "
is_wanted() { [ "$wanted" = "  " ] || [[ $wanted == *" $1 "* ]]; }

commands=()
missing=""
# add NAME ENVIRONMENT REQUIREMENTS PROGRAM: adds an application for Python.
add() {
    is_wanted "$1" || return 0
    use_environment ".venvs/$2" "$3"
    commands+=("$1=.venvs/$2/bin/python tests/clients/apps/play.py $4")
}
# add_node NAME FOLDER SOURCE PROGRAM: adds an application for Node.
add_node() {
    is_wanted "$1" || return 0
    if ! command -v npm >/dev/null; then missing="npm is not installed" && return; fi
    use_node_modules ".venvs/$2" "$3"
    commands+=("$1=node $4 $PWD/.venvs/$2")
}

for set in $sets; do
    programs=tests/clients/apps/programs
    [ "$set" != structured ] || programs+=/structured
    for file in "requirements/apps/$set"/*.txt; do
        name=$(basename "$file" .txt)
        if [ "$name" = aider ] && ! command -v git >/dev/null; then missing="git is not installed" && continue; fi
        add "$name" "apps-$name" "$file" "$programs/${name//[-.]/_}_app.py"
    done
done
for age in 2024 now; do
    add "langchain-$age" "frameworks-$age" "requirements/frameworks-$age.txt" tests/clients/frameworks/apps/langchain_app.py
done
if [ "$sets" != ci ]; then
    add instructor frameworks-now requirements/frameworks-now.txt tests/clients/apps/programs/structured/instructor_app.py
fi
add_node ai-sdk-2024 apps-ai-sdk-2024 tests/clients/apps/node/ai-sdk-2024 tests/clients/apps/programs/ai_sdk_2024_app.mjs
if [ "$sets" != ci ]; then
    add_node ai-sdk ai-sdk tests/clients/frameworks/node tests/clients/frameworks/apps/ai_sdk_app.mjs
    for name in codex continue langchain-js; do
        add_node "$name" "apps-$name" "tests/clients/apps/node/$name" "tests/clients/apps/programs/${name//-/_}_app.mjs"
    done
    for name in opencode cline; do
        # Their packages install a binary for each platform; the locked one is for this platform.
        if [ "$(uname -sm)" != "Linux x86_64" ]; then missing="$name is locked for Linux on x86-64" && continue; fi
        add_node "$name" "apps-$name" "tests/clients/apps/node/$name" "tests/clients/apps/programs/${name}_app.mjs"
    done
fi

[ -n "${commands[*]}" ] || { say "unknown application: $*"; exit 2; }
.venv/bin/python -m tests.clients.apps.driver "${commands[@]}"
[ -z "$missing" ] || not_run "some applications: $missing"
