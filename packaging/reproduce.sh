#!/usr/bin/env bash
# Is the build reproducible? Builds the committed source twice, in two folders of different names, and compares the program, the
# package and the image byte for byte. Two release builds from nothing: a quarter of an hour on a good machine, 8 GB of disk.
#
#   packaging/reproduce.sh [FOLDER]      where to work; removed at the end, but for the digests it prints
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "$(realpath -e "${1:-${TMPDIR:-/tmp}}")/keyharbor-reproduce.XXXXXX")
trap 'rm -rf "$work"' EXIT
SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct)
export SOURCE_DATE_EPOCH

for one in here somewhere/else/altogether; do
  tree=$work/$one/source out=$work/$one/out
  mkdir -p "$tree" "$out"
  git -C "$root" archive HEAD | tar -C "$tree" -x
  # The folder of the source, of the crates and of what is built are the machine's; none may stand in the program.
  moved=("$tree=/source" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$work/$one/target=/target")
  # Parted by a character that no path has: a folder's name may hold a space.
  flags=$(printf -- '--remap-path-prefix=%s\x1f' "${moved[@]}")
  (cd "$tree" && CARGO_ENCODED_RUSTFLAGS=${flags%$'\x1f'} \
    cargo build --release --locked --features otel --quiet --target-dir "$work/$one/target")
  binary=$work/$one/target/release/keyharbor
  cp "$binary" "$out/"
  "$tree/packaging/deb/build.sh" "$binary" "$out" >/dev/null
  "$tree/packaging/oci/build.sh" "$binary" "$out/keyharbor.tar" >/dev/null
  rm -rf "$work/$one/target"
done

(cd "$work/here/out" && sha256sum -- *)
diff -r "$work/here/out" "$work/somewhere/else/altogether/out"
echo 'reproducible: two folders, the same bytes'
