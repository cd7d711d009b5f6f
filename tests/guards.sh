#!/usr/bin/env bash
# Does every guard's test notice when the guard is gone? Each tests/guards/*.patch takes one defence out; the test that its
# first line names (`# test: path::as::cargo::shows::it`) must pass without the patch and fail with it.
#
#   tests/guards.sh [NAME …]     only the patches whose file name holds one of the words
#
# Works on a copy of the tree. What is built stays in $KEYHARBOR_GUARDS_TARGET (default: guards/ beneath the target folder).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [[ -z ${KEYHARBOR_TEST_POSTGRES:-} ]]; then
  exec "$root/tests/run.sh" --exec "$root/tests/guards.sh" "$@"
fi

export CARGO_TARGET_DIR=${KEYHARBOR_GUARDS_TARGET:-${CARGO_TARGET_DIR:-$root/target}/guards}
export CARGO_PROFILE_DEV_DEBUG=none
copy=$CARGO_TARGET_DIR/tree notes=$(mktemp -d "${TMPDIR:-/tmp}/keyharbor-guards.XXXXXX")
trap 'rm -rf "$copy" "$notes"' EXIT
rm -rf "$copy"
mkdir -p "$copy"
# -m: every file is as new as this run, or cargo would keep what an earlier run built with a guard gone.
(cd "$root" && git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [[ -f $file ]]; then printf '%s\0' "$file"; fi
done | tar --null -T - -cf -) | tar -C "$copy" -xmf -

wanted() {
  (($# > 1)) || return 0
  local file=$1 word
  shift
  for word in "$@"; do
    if [[ $(basename "$file") == *"$word"* ]]; then return 0; fi
  done
  return 1
}

patches=()
for file in "$root"/tests/guards/*.patch; do
  if [[ -f $file ]] && wanted "$file" "$@"; then patches+=("$file"); fi
done
if ((${#patches[@]} == 0)); then
  echo 'tests/guards.sh: no patch of that name' >&2
  exit 1
fi

test_of() { sed -n '1s/^# test: //p' "$1"; }
body_of() { sed '/^#/d' "$1"; }
touched_by() { body_of "$1" | sed -n 's|^+++ b/||p'; }

# The tests of these full paths; what cargo says goes to the log.
run() {
  (cd "$copy" && cargo test --locked --color never --lib --test it --no-fail-fast -- --exact "$@") >"$notes/log" 2>&1
}
passed() { grep -qx "test $1 ... ok" "$notes/log"; }
failed() { grep -qx "test $1 ... FAILED" "$notes/log"; }

apply() {
  body_of "$1" >"$notes/diff"
  (cd "$copy" && GIT_CEILING_DIRECTORIES=$(dirname "$copy") git apply --recount -C1 "$notes/diff") 2>"$notes/why" ||
    (cd "$copy" && patch -p1 -F3 --no-backup-if-mismatch --silent <"$notes/diff") >>"$notes/why" 2>&1
}

put_back() {
  local file
  while read -r file; do
    # A plain copy: the time of the change must be new, or cargo would keep what it built.
    if [[ -f $root/$file ]]; then cp "$root/$file" "$copy/$file"; fi
    rm -f "$copy/$file.rej" "$copy/$file.orig"
  done < <(touched_by "$1")
}

names=()
for file in "${patches[@]}"; do names+=("$(test_of "$file")"); done
run "${names[@]}" || true

bad=0 results=()
for name in "${names[@]}"; do
  if [[ -z $name ]]; then
    results+=('**names no test**')
  elif passed "$name"; then
    results+=(passed)
  elif failed "$name"; then
    results+=('**fails without the patch**')
  else
    results+=('**no such test, or the tree does not build**')
  fi
done

printf '| guard | test | result |\n| --- | --- | --- |\n'
for i in "${!patches[@]}"; do
  file=${patches[i]} name=${names[i]} result=${results[i]}
  if [[ $result == passed ]]; then
    if ! apply "$file"; then
      result='**the patch does not apply**'
    elif run "$name"; then
      result='**passes although the guard is gone**'
    elif failed "$name"; then
      result='fails, as it must'
    else
      result='**does not build**'
    fi
    put_back "$file"
  fi
  if [[ $result != 'fails, as it must' ]]; then bad=1; fi
  printf '| %s | `%s` | %s |\n' "$(basename "$file" .patch)" "$name" "$result"
done
exit "$bad"
