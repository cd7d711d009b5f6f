#!/usr/bin/env bash
# Throws what the OpenAPI document allows, and what it forbids, at a real server: every answer must be one that the document
# names, in its shape, and what it forbids must be refused. Seeded, about a minute.
#
#   tests/api/schemathesis.sh
#
# Needs Python 3.10 with venv, and PyPI the first time; the tool stays below the target folder. KEYHARBOR_BIN names another
# program than the debug build.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
[[ $target == /* ]] || target=$root/$target
version=4.32.5
venv=$target/schemathesis-$version
keyharbor=${KEYHARBOR_BIN:-$target/debug/keyharbor}

if [[ ! -x $venv/bin/st ]]; then
  rm -rf "$venv"
  if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"; then
    rm -rf "$venv"
    echo 'tests/api/schemathesis.sh: schemathesis cannot be installed: is there python3-venv, can PyPI be reached?' >&2
    exit 1
  fi
fi
if [[ ! -x $keyharbor ]]; then
  echo "tests/api/schemathesis.sh: $keyharbor is not there: run cargo build" >&2
  exit 1
fi

home=$(mktemp -d "${TMPDIR:-/tmp}/keyharbor-schemathesis.XXXXXX")
server=''
finish() {
  local code=$?
  trap - EXIT
  if [[ -n $server ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$home"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$home/keyharbor.toml" <<SETTINGS
[server]
public_url = "http://127.0.0.1:$port"
listen = "127.0.0.1:$port"
[database]
url = "sqlite://$home/keyharbor.db"
[custody]
key_file = "$home/root.key"
[oidc]
issuer = "http://127.0.0.1:9"
client_id = "keyharbor"
owner_claim = "preferred_username"
[api]
requests_per_minute = 0
SETTINGS
export KEYHARBOR_CONFIG=$home/keyharbor.toml
"$keyharbor" init </dev/null >/dev/null 2>&1
token=$("$keyharbor" token create --name schemathesis --scope escrow:write,status:read,devices:read,devices:write,audit:read 2>/dev/null)
"$keyharbor" openapi >"$home/openapi.json"
"$keyharbor" serve >"$home/log" 2>&1 &
server=$!
for attempt in $(seq 100); do
  if curl -sf -o /dev/null "http://127.0.0.1:$port/readyz"; then break; fi
  if ((attempt == 100)) || ! kill -0 "$server" 2>/dev/null; then
    cat "$home/log" >&2
    exit 1
  fi
  sleep 0.2
done

cd "$home"
KEYHARBOR_TOKEN=$token SCHEMATHESIS_HOOKS="$root/tests/api/hooks.py" "$venv/bin/st" run openapi.json --url "http://127.0.0.1:$port" --no-color \
  --checks all --phases examples,coverage,fuzzing,stateful --max-examples 40 --seed 1 --generation-database none --workers 1 || {
  grep -E '"level":"(ERROR|WARN)"' "$home/log" | tail -n 20 >&2 || true
  exit 1
}
if grep -q 'panicked' "$home/log"; then
  grep 'panicked' "$home/log" >&2
  exit 1
fi
