#!/usr/bin/env bash
# Unmodified frameworks against every emulated vendor, with only their environment variables changed: the versions of
# July 2024, and today's. LangChain is among the applications of apps.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venv requirements/dev.txt

play=tests/clients/apps/play.py
apps=tests/clients/frameworks/apps
commands=()
tables=$(mktemp -d)
trap 'rm -r "$tables"' EXIT
.venv/bin/python -m proxy tiktoken "$tables" >/dev/null
for age in 2024 now; do
    use_environment ".venvs/frameworks-$age" "requirements/frameworks-$age.txt"
    python=.venvs/frameworks-$age/bin/python
    for variable in TIKTOKEN_CACHE_DIR DATA_GYM_CACHE_DIR; do
        env -u TIKTOKEN_CACHE_DIR -u DATA_GYM_CACHE_DIR "$variable=$tables" "$python" tests/clients/frameworks/apps/load_tables.py
    done
    commands+=("llamaindex-$age=$python $play $apps/llamaindex_app.py" "instructor-$age=$python $play $apps/instructor_app.py")
done
missing=""
if command -v npm >/dev/null; then
    use_node_modules .venvs/ai-sdk tests/clients/frameworks/node
    commands+=("ai-sdk=node $apps/ai_sdk_app.mjs $PWD/.venvs/ai-sdk")
else
    missing="npm"
fi

.venv/bin/python -m tests.clients.apps.driver "${commands[@]}"
[ -z "$missing" ] || not_run "Vercel's AI SDK: npm is not installed"
