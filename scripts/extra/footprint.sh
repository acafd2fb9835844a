#!/usr/bin/env bash
# Measures `pip install .` in an empty environment: packages, size, and the time until --help prints.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/build requirements/build.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip() { .venvs/build/bin/python -m pip --disable-pip-version-check "$@"; }
.venvs/build/bin/python -m venv --without-pip "$work/clean"
pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work" .

# Install the locked versions by hash; `pip check` verifies that none is missing.
say "installing the wheel and runtime.txt"
pip --python "$work/clean/bin/python" install --quiet --require-hashes -r requirements/runtime.txt
pip --python "$work/clean/bin/python" install --quiet --no-deps --no-index "$work"/*.whl
pip --python "$work/clean/bin/python" check >/dev/null
.venvs/build/bin/python scripts/extra/footprint/measure.py "$work/clean"
