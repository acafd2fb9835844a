#!/usr/bin/env bash
# Lints, builds and runs the Dockerfile without a container engine, on a base image made from Debian packages.
# scripts/extra/container/image.py checks the image's configuration, life.py its behaviour.
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

# A separate store, so that the machine's images stay untouched; everything is removed afterwards.
work=$(mktemp -d)
container=""
image() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }
clean() {
    [ -z "$container" ] || { image umount "$container"; image rm "$container"; } >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean EXIT

base=python:3.11-slim-bookworm
say "making a stand-in for $base"
mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base.tar"
made=$(image from scratch)
image add "$made" "$work/base.tar" / >/dev/null
before=$(du -sk "$(image mount "$made")" | cut -f1)
image commit --quiet --rm "$made" "$base" >/dev/null
rm "$work/base.tar"

# The wheels are passed as files: the build needs no network, and the hashes are checked nevertheless.
say "fetching wheels"
for name in image build; do
    .venvs/container/bin/python -m pip download --quiet --require-hashes --only-binary :all: --python-version 3.11 \
        --dest "$work/wheels" -r "requirements/$name.txt"
done

say "building"
image bud --quiet --isolation chroot --format docker --pull-never --volume "$work/wheels:/wheels:ro" \
    --build-arg BASE_IMAGE="$base" --build-arg PIP_INDEX_URL= --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/wheels --tag banjia . >/dev/null

say "looking at it"
image inspect --type image banjia >"$work/image.json"
.venvs/container/bin/python scripts/extra/container/image.py "$work/image.json"
container=$(image from --pull-never banjia)
root=$(image mount "$container")
added=$((($(du -sk "$root" | cut -f1) - before + 1023) / 1024))
say "$added MB over the base"
[ "$added" -le 70 ] || { say "that is more than 70"; exit 1; }

say "running it, read-only, without rights, in a network of its own"
unshare --net .venvs/container/bin/python -m scripts.extra.container.life "$root" "$work/image.json"
say "passed"
