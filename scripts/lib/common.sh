# Shared by the scripts; sourced by them from the top folder of the checkout.
# shellcheck shell=bash

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# The path of a Python that is new enough, of the one in PYTHON if that is set.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        # A name may be there and yet not run (a version manager's stand-in), so each is asked.
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    say "needs Python 3.11 or newer; found none (set PYTHON to its path)"
    return 1
}

# use_environment FOLDER REQUIREMENTS…: the folder is a virtual environment that has them.
use_environment() {
    local python
    python=$(find_python)
    "$python" scripts/lib/environment.py "$@"
}

# use_node_modules FOLDER SOURCE: the folder has what the package.json and package-lock.json in SOURCE name.
use_node_modules() {
    local stamp
    stamp=$(cat "$2/package.json" "$2/package-lock.json" | sha256sum)
    [ "$(cat "$1/.installed" 2>/dev/null)" = "$stamp" ] && return
    say "installing the packages of $2 with npm"
    mkdir -p "$1"
    cp "$2/package.json" "$2/package-lock.json" "$1/"
    (cd "$1" && npm ci --silent --ignore-scripts --no-audit --no-fund)
    printf '%s\n' "$stamp" >"$1/.installed"
}

# A part that this machine has no tool for: one line, which is a failure where everything must run.
not_run() {
    printf 'NOT RUN: %s\n' "$*"
    exit 77
}
