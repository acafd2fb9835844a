# Functions of the scripts, which source this file from the top folder of the checkout.
# shellcheck shell=bash

say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Prints the path of a Python that is new enough; checks only $PYTHON if that is set.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        # A command may exist and not run (a version manager's shim), so run each.
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$name"
            return
        fi
    done
    say "needs Python 3.11 or newer; found none (set PYTHON to its path)"
    return 1
}

# use_environment FOLDER REQUIREMENTS…: makes the folder a virtual environment with these requirements.
use_environment() {
    local python
    python=$(find_python)
    "$python" scripts/lib/environment.py "$@"
}

# use_node_modules FOLDER SOURCE: installs the packages of SOURCE/package.json and its lock file in the folder.
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

# Reports a part whose tool is missing, and exits with 77, which is a failure with CI=true.
not_run() {
    printf 'NOT RUN: %s\n' "$*"
    exit 77
}
