#!/usr/bin/env bash
# Unmodified frameworks in front of every vendor that has an emulator, only their environment changed: as applications of
# July 2024 have them, and as they are today.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venv requirements/dev.txt

play=tests/frameworks/play.py
commands=()
for age in 2024 now; do
    use_environment ".venvs/frameworks-$age" "requirements/frameworks-$age.txt"
    python=.venvs/frameworks-$age/bin/python
    commands+=("LangChain ($age)=$python $play langchain_app" "LlamaIndex ($age)=$python $play llamaindex_app"
        "instructor ($age)=$python $play instructor_app")
done
missing=""
if command -v npm >/dev/null; then
    use_node_modules .venvs/ai-sdk tests/frameworks/node
    commands+=("AI SDK=node tests/frameworks/apps/ai_sdk_app.mjs $PWD/.venvs/ai-sdk")
else
    missing="npm"
fi

.venv/bin/python -m tests.frameworks.driver "${commands[@]}"
[ -z "$missing" ] || not_run "Vercel's AI SDK: npm is not installed"
