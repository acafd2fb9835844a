#!/usr/bin/env bash
# The Dockerfile: linted, and built and run without a container engine, on a base image made from Debian packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venvs/container requirements/container.txt

say "hadolint"
.venvs/container/bin/hadolint Dockerfile

for tool in buildah mmdebstrap; do
    command -v "$tool" >/dev/null || not_run "the container is not built: $tool is not installed"
done
[ "$(id -u)" = 0 ] || not_run "the container is not built: this needs root"

# One's own store, so that no image of the machine's is touched; it and all else is gone afterwards.
work=$(mktemp -d)
container=""
server=""
image() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }
clean() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
    [ -z "$container" ] || { image umount "$container"; image rm "$container"; } >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT

base=python:3.11-slim-bookworm
say "making a stand-in for $base"
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base.tar"
made=$(image from scratch)
image add "$made" "$work/base.tar" / >/dev/null
image commit --quiet --rm "$made" "$base" >/dev/null
rm "$work/base.tar"

# The wheels come in as files: the build needs no network, and the hashes are checked all the same.
say "fetching wheels"
for name in image build; do
    .venvs/container/bin/python -m pip download --quiet --require-hashes --only-binary :all: --python-version 3.11 \
        --dest "$work/wheels" -r "requirements/$name.txt"
done

say "building"
image bud --quiet --isolation chroot --format docker --pull-never --volume "$work/wheels:/wheels:ro" \
    --build-arg PIP_INDEX_URL= --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/wheels --tag banjia . >/dev/null

say "looking at it"
image inspect --type image banjia >"$work/image.json"
.venvs/container/bin/python - "$work/image.json" <<'PYTHON'
import json, sys

found = json.load(open(sys.argv[1]))["Docker"]["config"]
wanted = {
    "User": "10001:10001", "StopSignal": "SIGTERM", "Entrypoint": ["banjia"], "Cmd": ["serve"], "ExposedPorts": {"8080/tcp": {}},
}
wrong = {key: found.get(key) for key, value in wanted.items() if found.get(key) != value}
if found["Healthcheck"]["Test"] != ["CMD", "banjia", "healthcheck"]:
    wrong["Healthcheck"] = found["Healthcheck"]
sys.exit(f"the image has {wrong}" if wrong else 0)
PYTHON
container=$(image from --pull-never banjia)
root=$(image mount "$container")
added=$(du -sm "$root/opt/banjia" | cut -f1)
say "$added MB over the base"
[ "$added" -le 70 ] || { say "that is more than 70"; exit 1; }

# As an engine would run it with --read-only --user: no rights, nothing to write to, a process tree of its own.
cat >"$work/inside" <<'INSIDE'
set -eu
root=$1
shift
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot --userspec=10001:10001 "$root" env -i PATH=/opt/banjia/bin:/usr/bin:/bin BANJIA_SERVER__LISTEN="$LISTEN" \
    BANJIA_CLIENT_KEY=for-the-test MOONSHOT_API_KEY=unused "$@"
INSIDE
export LISTEN=127.0.0.1:18080
apart="unshare --mount --pid --fork --kill-child sh $work/inside $root"
inside() { $apart "$@"; }

say "running it, read-only and without rights"
inside banjia --help >/dev/null
if inside sh -c 'echo >/opt/banjia/written' 2>/dev/null; then say "its disk can be written to"; exit 1; fi
$apart banjia serve &
server=$!
healthy=""
for _ in $(seq 50); do
    if inside banjia healthcheck >/dev/null 2>&1; then healthy=yes; break; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.2
done
if [ -z "$healthy" ]; then
    say "it did not become healthy"
    exit 1
fi

say "stopping it: process 1 of its container obeys SIGTERM"
kill "$(tr -d ' ' <"/proc/$server/task/$server/children")"
status=0
wait "$server" || status=$?
server=""
[ "$status" = 0 ] || { say "it ended with $status"; exit 1; }
say "passed"
