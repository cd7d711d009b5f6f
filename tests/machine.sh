#!/usr/bin/env bash
# A stranger's day with the Debian package, on a machine made for it: a fresh Debian that boots systemd (debootstrap,
# systemd-nspawn), the host's network, an identity provider that is not ours, a browser. Install, nothing runs, key, start,
# check-in, sign in, reveal, backup, restart, upgrade, remove, purge, and the backup on a second machine: what the machine holds
# is looked at after each step.
#
#   tests/run.sh --exec-browser tests/machine.sh [PACKAGE.deb]
#
# Needs root. The bare Debian is kept in $CARGO_TARGET_DIR/machine, so only the first run fetches it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
release=bookworm include=systemd,systemd-sysv,dbus,ca-certificates

stage=start work='' provider='' nspawn='' leader='' place=''
# Ends the machine as its power button would, and after a while by force.
power_off() {
  [[ -n $nspawn ]] || return 0
  kill -TERM "$nspawn" 2>/dev/null || true
  for _ in {1..400}; do
    kill -0 "$nspawn" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$nspawn" 2>/dev/null || true
  wait "$nspawn" 2>/dev/null || true
  nspawn=''
}
finish() {
  local code=$?
  trap - EXIT
  if ((code != 0)) && [[ -n $leader && -d /proc/$leader ]]; then
    journal -n 60 || true
    cat "$work/journal" >&2 || true
  fi
  power_off
  if [[ -n $provider ]]; then kill "$provider" 2>/dev/null || true; fi
  if [[ -n $work ]]; then rm -rf --one-file-system "$work"; fi
  if ((code != 0)); then echo "tests/machine.sh: failed at: $stage (exit $code)" >&2; fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begin() {
  stage=$1
  echo "== $stage"
}
fail() {
  echo "$*" >&2
  exit 1
}
skip() {
  echo "tests/machine.sh: SKIPPED, nothing was tested: $*"
  exit 0
}
# Asks until the command says yes.
until_true() {
  local what=$1 end=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "after a minute still not: $what"
    sleep 0.1
  done
}
is() { [[ $1 == "$2" ]] || fail "${3:-}: \"$1\" and not \"$2\""; }

begin 'programs'
((EUID == 0)) || skip 'a machine is made by root'
unshare --mount --pid --fork true 2>/dev/null || skip 'this root may make no namespaces'
missing=()
for program in debootstrap:debootstrap systemd-nspawn:systemd-container jq:jq; do
  command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
if ((${#missing[@]} > 0)); then
  apt-get -qq update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi
deb=${1:-$(find "$target/packages" -name 'keyharbor_*.deb' 2>/dev/null || true)}
[[ -f $deb ]] || fail 'there is no package to try: tests/packages.sh makes it'
work=$(mktemp -d /tmp/keyharbor-machine.XXXXXX)

begin "Debian ($release)"
base=$target/machine/$release-$(sha256sum <<<"$include" | cut -c 1-8)
if [[ ! -d $base ]]; then
  mkdir -p "$target/machine"
  rm -rf --one-file-system "$base.new"
  debootstrap --variant=minbase --include="$include" "$release" "$base.new" "${KEYHARBOR_DEBIAN_MIRROR:-http://deb.debian.org/debian}" >"$work/debootstrap" 2>&1 ||
    { tail -n 20 "$work/debootstrap" >&2; fail 'debootstrap could not make it'; }
  mv "$base.new" "$base"
fi

systemd-nspawn -q -D "$base" --read-only --register=no --keep-unit --pipe true >"$work/said" 2>&1 </dev/null ||
  skip "systemd-nspawn cannot run anything here: $(cat "$work/said")"

# boot NAME: a fresh copy of the base, up to where systemd says that it runs.
boot() {
  place=$work/$1
  cp -a --reflink=auto "$base" "$place"
  systemd-nspawn -q -D "$place" --machine="keyharbor-$1-$$" --hostname="$1" --register=no --keep-unit --link-journal=no -b </dev/null >"$work/$1.console" 2>&1 &
  nspawn=$!
  until_true 'the machine has a first process' pgrep -P "$nspawn"
  leader=$(pgrep -P "$nspawn")
  until_true 'systemd runs' inside systemctl is-system-running
}
inside() {
  nsenter -t "$leader" -m -u -i -p -C env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
install_package() {
  cp "$1" "$place/root/"
  inside apt-get -q -y --no-install-recommends install "/root/${1##*/}"
}
property() { inside systemctl show keyharbor.service --property="$1" --value; }
journal() { inside journalctl -o cat -u keyharbor "$@" >"$work/journal"; }
status() { curl -sS -o "$work/answer" -w '%{http_code}' --max-time 20 "$@"; }
ready() { [[ $(status "$portal/readyz") == 200 ]]; }
# What the owner sees in the browser.
revealed() { (cd tests/browser && node machine.mjs "$portal" anna); }

begin 'identity provider'
port=$((20000 + RANDOM % 12000))
portal=http://localhost:$port
coproc PROVIDER { exec node tests/browser/provider.mjs --portal "$portal"; }
provider=$PROVIDER_PID
read -r -t 60 client <&"${PROVIDER[0]}"
settings() {
  cat >"$place/etc/keyharbor/keyharbor.toml" <<TOML
[server]
public_url = "$portal"
listen = "127.0.0.1:$port"
[custody]
key_file = "/etc/keyharbor/root.key"
[oidc]
issuer = "$(jq -r .issuer <<<"$client")"
client_id = "$(jq -r .client_id <<<"$client")"
client_secret_file = "/etc/keyharbor/client-secret"
owner_claim = "preferred_username"
TOML
  jq -r .client_secret <<<"$client" | inside install -m 0640 -g keyharbor /dev/stdin /etc/keyharbor/client-secret
}

begin 'a fresh machine'
boot keys

begin 'install: nothing runs'
install_package "$deb" >"$work/said"
grep -q 'keyharbor init' "$work/said" || fail 'the package does not say what to do next'
is "$(inside systemctl is-enabled keyharbor.service || true)" disabled 'the service after installing'
is "$(inside systemctl is-active keyharbor.service || true)" inactive 'the service after installing'
is "$(inside stat -c '%U:%G %a' /etc/keyharbor/keyharbor.toml)" 'root:keyharbor 640' 'the settings'
is "$(inside stat -c '%U:%G %a' /var/lib/keyharbor)" 'keyharbor:keyharbor 700' 'the place of the data'
inside systemctl start keyharbor.service
is "$(property ConditionResult) $(property ActiveState)" 'no inactive' 'the service without a key'

begin 'settings and root key'
inside keyharbor config check >"$work/said" 2>&1 && fail 'the example passes for settings of a real place'
settings
inside keyharbor config check >"$work/said" 2>&1 && fail 'the check does not miss the root key'
grep -q 'the server would be sealed: the root key cannot be read from' "$work/said" || fail "the check says: $(cat "$work/said")"
(until_true 'a root key' test -s "$place/etc/keyharbor/root.key" && tail -c 9 "$place/etc/keyharbor/root.key") | inside keyharbor init >"$work/said"
grep -q '^Confirmed' "$work/said" || fail 'the copy of the root key was not confirmed'
inside keyharbor config check >"$work/said"
is "$(inside stat -c '%U:%G %a' /etc/keyharbor/root.key)" 'root:root 600' 'the root key'
is "$(inside stat -c '%U:%G %a' /var/lib/keyharbor/keyharbor.db)" 'keyharbor:keyharbor 600' 'the database'

begin 'start'
inside systemctl enable --now keyharbor.service 2>/dev/null
ready || fail "/readyz: $(cat "$work/answer")"
pid=$(property MainPID)
is "$(inside stat -c %U "/proc/$pid")" keyharbor 'who serves'
is "$(inside awk '/^(CapEff|NoNewPrivs|Seccomp):/ { printf "%s ", $2 }' "/proc/$pid/status")" '0000000000000000 1 2 ' 'rights of the process'
inside cat "/proc/$pid/limits" >"$work/limits"
grep -q 'Max core file size  *0  *0 ' "$work/limits" || fail 'a core dump may be written'
journal
grep -E 'could not be|sealed' "$work/journal" && fail 'the start was not clean'

begin 'a check-in of a Crypt client'
serial=C02FRESH0001 key=4KMS-7QXM-O4LD-ZB83-KWTE-2PVN
token=$(inside keyharbor token create --name Crypt --scope escrow:write,status:read --door crypt-path 2>/dev/null)
is "$(status "$portal/compat/crypt/$token/checkin/" -d "serial=$serial" --data-urlencode "recovery_password=$key" -d username=anna -d macname=annas-mac)" 200 'the check-in'
printf 'serial,login\n%s,anna\n' "$serial" >"$place/root/owners.csv"
inside keyharbor owners import /root/owners.csv --apply >"$work/said"
grep -q '^1 set' "$work/said" || fail "owners: $(cat "$work/said")"

begin 'the owner signs in and is shown the key'
is "$(revealed)" "$key" 'what the owner saw'
journal
grep -q "${key:0:9}" "$work/journal" && fail 'the key stands in the journal'
inside keyharbor audit verify >"$work/said"

begin 'the root key sealed to this machine'
inside mkdir -p /etc/credstore.encrypted /etc/systemd/system/keyharbor.service.d
inside systemd-creds encrypt -q --name=root.key /etc/keyharbor/root.key /etc/credstore.encrypted/keyharbor.root.key
inside mv /etc/keyharbor/root.key /root/root.key
printf '[Service]\nLoadCredential=\nLoadCredentialEncrypted=root.key:/etc/credstore.encrypted/keyharbor.root.key\n' >"$place/etc/systemd/system/keyharbor.service.d/sealed.conf"
inside systemctl daemon-reload
inside systemctl restart keyharbor.service
ready || fail "/readyz: $(cat "$work/answer")"
# A command gets it in the same way, as install.md has it.
inside systemd-run --quiet --pipe --wait --setenv=KEYHARBOR__CUSTODY__KEY_FILE=/run/credentials/keyharbor-command.service/root.key \
  --unit=keyharbor-command --property=LoadCredentialEncrypted=root.key:/etc/credstore.encrypted/keyharbor.root.key \
  keyharbor token list >"$work/said"
grep -q Crypt "$work/said" || fail "tokens: $(cat "$work/said")"
inside rm -r /etc/systemd/system/keyharbor.service.d /etc/credstore.encrypted/keyharbor.root.key
inside mv /root/root.key /etc/keyharbor/root.key
inside systemctl daemon-reload
inside systemctl restart keyharbor.service

begin 'a backup, while it serves'
inside keyharbor backup --to /root/backup >"$work/said"
grep -q '^Proven' "$work/said" || fail "the backup is not proven: $(cat "$work/said")"
cp -p "$place/root/backup" "$place/etc/keyharbor/root.key" "$work/"

begin 'systemd holds the address: a restart refuses nobody'
inside systemctl stop keyharbor.service
mkdir -p "$place/etc/systemd/system/keyharbor.socket.d"
printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:%s\n' "$port" >"$place/etc/systemd/system/keyharbor.socket.d/port.conf"
inside systemctl daemon-reload
inside systemctl enable --now keyharbor.socket 2>/dev/null
is "$(inside systemctl is-active keyharbor.service || true)" inactive 'the service before the first request'
ready || fail "/readyz: $(cat "$work/answer")"
is "$(inside systemctl is-active keyharbor.service)" active 'the service after the first request'
pid=$(property MainPID)
visitors() { while [[ ! -e $work/enough ]]; do curl -sS -o /dev/null -w '%{http_code}\n' --max-time 30 "$portal/healthz" 2>&1; done; }
visitors >"$work/visits" &
visitors=$!
until_true 'visitors are served' grep -q '^200' "$work/visits"
inside systemctl restart keyharbor.service
ready || fail "/readyz: $(cat "$work/answer")"
touch "$work/enough"
wait "$visitors"
[[ $(property MainPID) != "$pid" ]] || fail 'it was not restarted'
is "$(sort -u "$work/visits")" 200 'what visitors got during the restart'

begin 'reload, and a server that hangs'
pid=$(property MainPID)
inside systemctl reload keyharbor.service
reloaded() { journal "_PID=$pid" && grep -q 'settings were read again' "$work/journal"; }
until_true 'the settings were read again' reloaded
is "$(property MainPID)" "$pid" 'the process after a reload'
mkdir -p "$place/etc/systemd/system/keyharbor.service.d"
printf '[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\n' >"$place/etc/systemd/system/keyharbor.service.d/quick.conf"
inside systemctl daemon-reload
inside systemctl restart keyharbor.service
pid=$(property MainPID)
inside sh -c "kill -STOP $pid"
another() { [[ $(property MainPID) != "$pid" && $(property ActiveState) == active ]] && ready; }
until_true 'systemd notices a server that hangs, and starts another' another
inside rm -r /etc/systemd/system/keyharbor.service.d
inside systemctl daemon-reload
inside systemctl restart keyharbor.service

begin 'upgrade: an open request finishes, and nothing is lost'
newer=$(packaging/deb/build.sh --version 99.0.0 "$place/usr/bin/keyharbor" "$work")
pid=$(property MainPID)
api=$(inside keyharbor token create --name MDM --scope escrow:write 2>/dev/null)
body="{\"serial\": \"C02FRESH0002\", \"recovery_key\": \"4KMS-7QXM-O4LD-ZB83-KWTE-2PVQ\"}"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /api/v1/deposits HTTP/1.1\r\nHost: localhost:%s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
  "$port" "$api" "${#body}" "${body:0:20}" >&3
install_package "$newer" >"$work/said" 2>&1 &
upgrade=$!
stopping() { journal "_PID=$pid" && grep -q stopping "$work/journal"; }
until_true 'the old process stops' stopping
printf '%s' "${body:20}" >&3
read -r -t 20 answer <&3
exec 3>&-
wait "$upgrade" || { cat "$work/said" >&2; fail 'the upgrade failed'; }
is "${answer:0:12}" 'HTTP/1.1 201' 'the request that was open'
is "$(inside dpkg-query -W -f '${Version}' keyharbor)" 99.0.0-1 'the version'
[[ $(property MainPID) != "$pid" ]] || fail 'the old process serves on'
ready || fail "/readyz: $(cat "$work/answer")"
is "$(revealed)" "$key" 'what the owner saw after the upgrade'
grep -q 'not started' "$work/said" && fail 'an upgrade talks like a first installation'

begin 'remove, purge: the store stays'
inside apt-get -q -y remove keyharbor >"$work/said" 2>&1
is "$(inside systemctl is-active keyharbor.service || true)" inactive 'the service after removal'
[[ ! -e $place/usr/bin/keyharbor ]] || fail 'the program is still there'
inside apt-get -q -y purge keyharbor >"$work/said" 2>&1
grep -q '/var/lib/keyharbor is left' "$work/said" || fail 'the purge does not say what it leaves'
[[ -s $place/var/lib/keyharbor/keyharbor.db && -s $place/etc/keyharbor/root.key ]] || fail 'the purge took the store or its key'
[[ ! -e $place/etc/keyharbor/keyharbor.toml ]] || fail 'the purge left the settings'
left=$(find "$place/etc/systemd/system" -name 'keyharbor.s*' -path '*.wants/*')
is "$left" '' 'what the purge left enabled'
status "$portal/healthz" >/dev/null 2>&1 && fail 'somebody still serves'
power_off

begin 'restore elsewhere'
boot elsewhere
install_package "$newer" >"$work/said" 2>&1
settings
cp -p "$work/root.key" "$place/etc/keyharbor/root.key"
cp "$work/backup" "$place/root/backup"
inside keyharbor restore --from /root/backup --check >"$work/said"
inside keyharbor restore --from /root/backup >"$work/said"
is "$(inside stat -c '%U:%G %a' /var/lib/keyharbor/keyharbor.db)" 'keyharbor:keyharbor 600' 'the restored database'
inside systemctl start keyharbor.service
ready || fail "/readyz: $(cat "$work/answer")"
is "$(revealed)" "$key" 'what the owner saw elsewhere'
check_in() { status "$portal/compat/crypt/$token/checkin/" -d "serial=$serial" --data-urlencode "recovery_password=$key" -d username=anna -d macname=annas-mac; }
[[ $(check_in) == 40[134] ]] || fail "a token of the backup still works: $(check_in)"
inside keyharbor token approve "${token:3:16}" >"$work/said"
is "$(check_in)" 200 'the check-in after the token was approved again'
inside keyharbor restore --from /root/backup >"$work/said" 2>&1 && fail 'a restore went over what was there'
power_off
echo 'machine: ok'
