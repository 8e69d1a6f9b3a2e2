#!/usr/bin/env bash
# Writes a CycloneDX software bill of materials for each function and program. Usage: tools/release/sbom.sh <folder of cargo-cyclonedx>
set -euo pipefail
rm -rf target/sbom
mkdir -p target/sbom
"$1/bin/cargo-cyclonedx" cyclonedx --format json --spec-version 1.5 --no-build-deps --quiet \
  --target x86_64-unknown-linux-gnu --override-filename ledger-sbom
# The tool writes a file for every package.
for package in functions/* tools/contact-ledger tools/demo; do
  mv "$package/ledger-sbom.json" "target/sbom/$(basename "$package").json"
done
find . -name ledger-sbom.json -not -path './target/*' -delete
ls target/sbom/*
