#!/usr/bin/env bash
# Does every guard's test notice when the guard is gone? Each tests/guards/*.patch takes one defence out; the test that its
# first line names (`# test: path::as::cargo::shows::it`) must pass without the patch and fail with it. Likewise in
# tests/browser/guards, whose tests are named by file and title (`# test: own.test.mjs: how the title begins`). That each fits
# the tree is seen in every run of the tests (tests/it/guards.rs).
#
#   tests/guards.sh [NAME …]     only the patches whose file name holds one of the words (browser/: those of the browser tests)
#
# Works on a copy of the tree. What is built stays in $KEYHARBOR_GUARDS_TARGET (default: guards/ beneath the target folder).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

wanted() {
  (($# > 1)) || return 0
  local file=$1 word
  shift
  for word in "$@"; do
    if [[ ${file#"$root"/tests/} == *"$word"* ]]; then return 0; fi
  done
  return 1
}

patches=() needs=--exec
for file in "$root"/tests/guards/*.patch "$root"/tests/browser/guards/*.patch; do
  if [[ -f $file ]] && wanted "$file" "$@"; then
    patches+=("$file")
    if [[ $file == */browser/guards/* ]]; then needs=--exec-browser; fi
  fi
done
if ((${#patches[@]} == 0)); then
  echo 'tests/guards.sh: no patch of that name' >&2
  exit 1
fi
if [[ -z ${KEYHARBOR_TEST_POSTGRES:-} ]]; then
  exec "$root/tests/run.sh" "$needs" "$root/tests/guards.sh" "$@"
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
if [[ $needs == --exec-browser ]]; then ln -s "$root/tests/browser/node_modules" "$copy/tests/browser/node_modules"; fi

test_of() { sed -n '1s/^# test: //p' "$1"; }
body_of() { sed '/^#/d' "$1"; }
touched_by() { body_of "$1" | sed -n 's|^+++ b/||p'; }

# The tests of these full paths; what cargo says goes to the log. Only what holds one of them is built: unit tests stand in
# a module called `tests`.
run() {
  local name where=()
  for name in "$@"; do
    if [[ $name == *::tests::* ]]; then where[0]=--lib; else where[1]='--test=it'; fi
  done
  (cd "$copy" && cargo test --locked --features otel --color never "${where[@]}" --no-fail-fast -- --exact "$@") >"$notes/log" 2>&1
}
passed() { grep -qx "test $1 ... ok" "$notes/log"; }
failed() { grep -qx "test $1 ... FAILED" "$notes/log"; }

# The browser test that a "FILE: TITLE" names, against a binary built from the copy.
run_browser() {
  local file=${1%%: *} title=${1#*: } pattern
  (cd "$copy" && cargo build --locked --features otel --color never) >"$notes/log" 2>&1 || return 1
  pattern=$(sed 's/[][\\.*^$(){}?+|/]/\\&/g' <<<"$title")
  (cd "$copy/tests/browser" && node --test --test-reporter=tap --test-timeout=600000 --test-name-pattern="$pattern" "$file") \
    >>"$notes/log" 2>&1
}
# What the runner says of it; a test of another title is skipped, and says so.
said_browser() { grep -vF '# SKIP' "$notes/log" | sed -n 's/^ *\(not ok\|ok\) [0-9]* - /\1 - /p' | grep -qF -- "$1 - ${2#*: }"; }

is_browser() { [[ $1 == *.test.mjs:\ * ]]; }

apply() {
  body_of "$1" >"$notes/diff"
  (cd "$copy" && GIT_CEILING_DIRECTORIES=$(dirname "$copy") git apply "$notes/diff") 2>"$notes/why"
}

put_back() {
  local file
  while read -r file; do
    # A plain copy: the time of the change must be new, or cargo would keep what it built.
    if [[ -f $root/$file ]]; then cp "$root/$file" "$copy/$file"; fi
  done < <(touched_by "$1")
}

names=() cargo_names=()
for file in "${patches[@]}"; do
  name=$(test_of "$file")
  names+=("$name")
  if [[ -n $name ]] && ! is_browser "$name"; then cargo_names+=("$name"); fi
done
((${#cargo_names[@]} == 0)) || run "${cargo_names[@]}" || true

bad=0 results=()
for name in "${names[@]}"; do
  if [[ -z $name ]]; then
    results+=('**names no test**')
  elif is_browser "$name"; then
    results+=(browser)
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
  if [[ $result == browser ]]; then
    if run_browser "$name" && said_browser ok "$name"; then
      result=passed
    elif said_browser 'not ok' "$name"; then
      result='**fails without the patch**'
    else
      result='**no such test, or the tree does not build**'
    fi
  fi
  if [[ $result == passed ]]; then
    if ! apply "$file"; then
      result='**the patch does not apply**'
    elif if is_browser "$name"; then run_browser "$name"; else run "$name"; fi; then
      result='**passes although the guard is gone**'
    elif if is_browser "$name"; then said_browser 'not ok' "$name"; else failed "$name"; fi; then
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
