#!/usr/bin/env bash
# Writes the bill of materials of the image: CycloneDX as JSON, with the version and licence of every package, to
# dist/sbom.cdx.json or to the given file.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
file=${1:-dist/sbom.cdx.json}
use_environment .venvs/sbom requirements/sbom.txt

# Made as in the Dockerfile, without pip, so that the list has no package that the image lacks.
say "installing image.txt"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venvs/sbom/bin/python -m venv --without-pip "$work/image"
.venvs/sbom/bin/python -m pip --python "$work/image/bin/python" install --quiet --disable-pip-version-check \
    --no-compile --require-hashes -r requirements/image.txt

mkdir -p "$(dirname "$file")"
.venvs/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
    --spec-version 1.6 --of JSON --validate --output-file "$file" "$work/image"
.venvs/sbom/bin/python scripts/extra/sbom/complete.py "$file" requirements/image.txt requirements/runtime.txt
say "written to $file"
