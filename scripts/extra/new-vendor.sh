#!/usr/bin/env bash
# Follows "Adding a vendor" in CONTRIBUTING.md in a copy of the tree: runs its commands for a toy vendor, as they stand there.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/common.sh
use_environment .venv requirements/dev.txt

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | tar --null --files-from=- --create | tar --extract --directory "$copy"
cp -r .venv "$copy/.venv"
cd "$copy"

sed -n '/^## Adding a vendor/,/^## Models and prices/p' CONTRIBUTING.md | sed -n '/^ *```bash$/,/^ *```$/p' | grep -v '```' >steps.sh
say "runs $(grep -c . steps.sh) commands of CONTRIBUTING.md"
bash -euxo pipefail steps.sh
rm steps.sh

# A second vendor may not use the first: the import rules hold for a vendor that nobody has listed.
printf 'from adapters.vendors.toy import TOY as TOY\n' >>adapters/vendors/qwen.py
if .venv/bin/lint-imports --no-logo >imports.txt; then
    say "an import of one vendor by another passed scripts/check"
    exit 1
fi
grep -q "adapters.vendors.qwen is not allowed to import adapters.vendors.toy" imports.txt
say "a new vendor passes with what CONTRIBUTING.md says"
