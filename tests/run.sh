#!/usr/bin/env bash
# Every test, with what they need: installs the missing programs (Debian, as root), starts a throw-away PostgreSQL,
# builds, walks the pages in Chromium and once in Firefox, makes the packages and tries them on a fresh Debian, and ends
# with `cargo test`.
#
#   tests/run.sh                                 all of it
#   tests/run.sh [--no-packages] [--no-browser | --only-browser] [arguments for cargo test …]
#                                                a part of it; the packages are in none
#   tests/run.sh --exec COMMAND [ARGUMENT …]     nothing but the PostgreSQL, and that command beside it
#   tests/run.sh --exec-browser COMMAND …        the same, and what the browser tests need
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

browser=yes cargo_tests=yes packages=yes rest=() command=()
if [[ ${1:-} == --exec || ${1:-} == --exec-browser ]]; then
  [[ $1 == --exec-browser ]] || browser=no
  command=("${@:2}")
  set --
fi
(($# == 0)) || packages=no # a part was asked for
for argument in "$@"; do
  case $argument in
    --no-browser) browser=no ;;
    --only-browser) cargo_tests=no ;;
    --no-packages) ;;
    *) rest+=("$argument") ;;
  esac
done

stage=start cluster='' pg_bin=''
as_postgres=()

finish() {
  local code=$?
  trap - EXIT
  if [[ -n $cluster ]]; then
    if [[ -f $cluster/data/postmaster.pid ]]; then
      "${as_postgres[@]}" "$pg_bin/pg_ctl" -s -D "$cluster/data" -m immediate stop >/dev/null 2>&1 || true
    fi
    rm -rf "$cluster"
  fi
  if ((code != 0)); then
    echo "tests/run.sh: failed at: $stage (exit $code)" >&2
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begin() {
  stage=$1
  echo "== $stage"
}

newest_postgres() {
  local found
  found=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1) || true
  printf '%s' "${found%/initdb}"
}

node_is_new_enough() {
  command -v node >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)'
}

has_chromium() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

install_missing() {
  local missing=()
  [[ -n $(newest_postgres) ]] || missing+=(postgresql)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  command -v curl >/dev/null || missing+=(curl)
  command -v python3 >/dev/null || missing+=(python3)
  if [[ $cargo_tests == yes ]]; then
    # The proxies whose snippets are tried; Debian has them in sbin, which is not in everybody's path.
    [[ -x /usr/sbin/nginx ]] || missing+=(nginx)
    [[ -x /usr/sbin/haproxy ]] || missing+=(haproxy)
    command -v caddy >/dev/null || missing+=(caddy)
  fi
  command -v jq >/dev/null || missing+=(jq)
  if [[ $browser == yes ]]; then
    has_chromium || missing+=(chromium)
    command -v firefox-esr >/dev/null || command -v firefox >/dev/null || missing+=(firefox-esr)
    command -v pdftotext >/dev/null || missing+=(poppler-utils)
    command -v npm >/dev/null || missing+=(nodejs npm)
  fi
  ((${#missing[@]} > 0)) || return 0
  if ((EUID != 0)); then
    echo "missing: ${missing[*]}; install them, e.g. sudo apt-get install ${missing[*]}" >&2
    return 1
  fi
  local attempt
  for attempt in 1 2 3; do
    if apt-get -qq update >/dev/null &&
      DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null; then
      break
    fi
    if ((attempt == 3)); then return 1; fi
    sleep $((attempt * 5))
  done
}

# The browser tests need Node.js 20; Debian 12 has 18. The npm package of that name brings a newer one.
newer_node() {
  if node_is_new_enough; then return 0; fi
  local place=${CARGO_TARGET_DIR:-target}/node
  [[ $place == /* ]] || place=$root/$place
  if [[ ! -x $place/node_modules/node/bin/node ]]; then
    mkdir -p "$place"
    npm install --silent --no-audit --no-fund --no-save --prefix "$place" node@22
  fi
  export PATH="$place/node_modules/node/bin:$PATH"
  if ! node_is_new_enough; then
    echo "the browser tests need Node.js 20 or newer; found: $(node --version 2>/dev/null || echo none)" >&2
    return 1
  fi
}

install_packages() {
  local lock=tests/browser/package-lock.json stamp=tests/browser/node_modules/.package-lock.json
  if [[ ! -f $stamp || $lock -nt $stamp ]]; then
    (cd tests/browser && npm ci --silent)
    touch "$stamp"
  fi
}

start_cluster() {
  pg_bin=$(newest_postgres)
  local version=${pg_bin%/bin}
  version=${version##*/}
  cluster=$(mktemp -d /tmp/keyharbor-pg.XXXXXX)
  if ((EUID == 0)); then # PostgreSQL refuses to run as root
    local owner=postgres
    id -u "$owner" >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$cluster"
    as_postgres=(runuser -u "$owner" --)
  else
    as_postgres=(env)
  fi

  # A sort order unlike bytes, so that a query that forgot COLLATE "C" shows.
  local locale=(--locale=C.UTF-8)
  if ((version >= 15)); then
    locale+=(--locale-provider=icu --icu-locale=sv-SE)
  fi
  (cd "$cluster" && "${as_postgres[@]}" "$pg_bin/initdb" -D "$cluster/data" -U postgres -A trust -E UTF8 \
    "${locale[@]}" --no-sync --no-instructions >"$cluster/initdb.log" 2>&1) || {
    cat "$cluster/initdb.log" >&2
    return 1
  }

  local attempt port
  for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 12000))
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
    if (cd "$cluster" && "${as_postgres[@]}" "$pg_bin/pg_ctl" -s -w -t 30 -D "$cluster/data" -l "$cluster/data/server.log" \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$cluster -c fsync=off -c full_page_writes=off -c max_connections=200" \
      start >/dev/null 2>&1); then
      export KEYHARBOR_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/postgres"
      return 0
    fi
  done
  cat "$cluster/data/server.log" >&2 || true
  return 1
}

begin 'programs'
install_missing

begin 'PostgreSQL'
start_cluster

if [[ $browser == yes ]]; then
  begin 'npm ci'
  install_packages
  newer_node
fi

if ((${#command[@]} > 0)); then
  begin "${command[0]}"
  "${command[@]}"
  exit
fi

begin 'cargo build'
cargo build --locked --features otel

if [[ $cargo_tests == yes ]]; then
  begin 'schemathesis'
  tests/api/schemathesis.sh

  begin 'cargo test --no-run'
  cargo test --locked --features otel --no-run
fi

if [[ $browser == yes ]]; then
  begin 'browser tests'
  # A glob, not a folder: Node 20 takes a folder for a module.
  (cd tests/browser && node --test --test-concurrency=2 --test-timeout=600000 ./*.test.mjs)
fi

if [[ $packages == yes ]]; then
  begin 'packages'
  tests/packages.sh
  begin 'a fresh machine'
  tests/machine.sh
fi

if [[ $cargo_tests == yes ]]; then
  begin 'cargo test'
  if ((${#rest[@]} > 0)); then
    cargo test --locked --features otel "${rest[@]}"
  else
    # Traces one by one in a process of their own: who listens is the whole process's, and other tests listen too.
    cargo test --locked --features otel --test it -- otel:: --test-threads=1
    cargo test --locked --features otel -- --skip otel::
  fi
fi
