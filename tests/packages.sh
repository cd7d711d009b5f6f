#!/usr/bin/env bash
# The packages of one release binary: what is in them, that two runs give the same bytes, that Debian's checker and systemd's
# have nothing to say, and that the image runs as its user on a read-only root.
#
#   tests/packages.sh [BINARY]      without one, target/release/keyharbor is built
#
# Leaves the Debian package in $CARGO_TARGET_DIR/packages for tests/machine.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
place=$target/packages

stage=start work='' server=''
finish() {
  local code=$?
  trap - EXIT
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; fi
  if [[ -n $work ]]; then rm -rf "$work"; fi
  if ((code != 0)); then echo "tests/packages.sh: failed at: $stage (exit $code)" >&2; fi
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

begin 'programs'
missing=()
for program in dpkg-shlibdeps:dpkg-dev lintian:lintian systemd-analyze:systemd man:man-db python3:python3 jq:jq; do
  command -v "${program%:*}" >/dev/null || missing+=("${program#*:}")
done
if ((${#missing[@]} > 0)); then
  if ((EUID != 0)); then fail "missing: ${missing[*]}; install them, e.g. sudo apt-get install ${missing[*]}"; fi
  apt-get -qq update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

binary=$(realpath -m "${1:-$target/release/keyharbor}")
if (($# == 0)); then
  begin 'cargo build --release --features otel'
  cargo build --release --locked --features otel
fi
work=$(mktemp -d /tmp/keyharbor-packages.XXXXXX)
mkdir -p "$place" "$work"/{first,second,deb,image}
rm -f "$place"/*.deb

begin 'systemd-analyze security'
systemd-analyze security --offline=true --threshold=20 --no-pager packaging/keyharbor.service >"$work/security" || {
  cat "$work/security"
  fail 'the unit is exposed to more than 2.0'
}
tail -n 1 "$work/security"
systemd-analyze verify --man=no packaging/keyharbor.socket 2>&1 | grep -v 'keyharbor.service' >"$work/verify" || true
[[ ! -s $work/verify ]] || fail "$(cat "$work/verify")"

begin 'the .deb, twice'
deb=$(packaging/deb/build.sh "$binary" "$work/first")
# From elsewhere, with another mask, zone and number of processors: none of it may show.
(umask 077 && cd / && TZ=Asia/Tokyo LC_ALL=C taskset -c 0 "$root/packaging/deb/build.sh" "$binary" "$work/second" >/dev/null)
cmp "$deb" "$work/second/${deb##*/}" || fail 'two runs gave two packages'
cp "$deb" "$place/"
ls -l "$place"

begin 'what is in the .deb'
dpkg-deb -x "$deb" "$work/deb"
for file in usr/bin/keyharbor lib/systemd/system/keyharbor.{service,socket} usr/lib/sysusers.d/keyharbor.conf etc/keyharbor/keyharbor.toml \
  usr/share/man/man1/keyharbor{,-serve,-token-create}.1.gz usr/share/bash-completion/completions/keyharbor \
  usr/share/zsh/vendor-completions/_keyharbor usr/share/fish/vendor_completions.d/keyharbor.fish \
  usr/share/doc/keyharbor/{copyright,changelog.gz,changelog.Debian.gz,install.md,sbom.cdx.json}; do
  [[ -f $work/deb/$file ]] || fail "the package lacks $file"
done
cmp "$binary" "$work/deb/usr/bin/keyharbor"
dpkg-deb -c "$deb" | awk '$2 != "root/root" { print; bad = 1 } END { exit bad }' || fail 'not everything is root'\''s'
[[ $(stat -c %a "$work/deb/etc/keyharbor/keyharbor.toml") == 640 ]] || fail 'the settings can be read by everybody'
dpkg-deb -f "$deb" Depends | grep -q 'libc6 (>= ' || fail 'the package does not say which C library it needs'
bash -n "$work/deb/usr/share/bash-completion/completions/keyharbor"
for page in "$work"/deb/usr/share/man/man1/*.gz; do
  man --warnings -l "$page" 2>"$work/man" >/dev/null
  [[ ! -s $work/man ]] || fail "$page: $(cat "$work/man")"
done

begin 'lintian'
lintian --allow-root --fail-on error,warning "$deb"

begin 'the bill of materials'
diff <(packaging/sbom.py) "$work/deb/usr/share/doc/keyharbor/sbom.cdx.json"
jq -r '"\(.components | length) components for \(.metadata.component.name) \(.metadata.component.version)"' "$work/deb/usr/share/doc/keyharbor/sbom.cdx.json"

begin 'the image, twice'
packaging/oci/build.sh "$binary" "$work/image.tar"
(umask 077 && TZ=Asia/Tokyo packaging/oci/build.sh "$binary" "$work/again.tar" >/dev/null)
cmp "$work/image.tar" "$work/again.tar" || fail 'two runs gave two images'
tar -C "$work/image" -xf "$work/image.tar"
# Every digest of the chain, from the index down, and each blob is named by one.
blob() {
  local file=$work/image/blobs/sha256/${1#sha256:}
  [[ $(sha256sum "$file" | cut -d ' ' -f 1) == "${1#sha256:}" ]] || fail "$1 is not what its name says"
  [[ -z ${2:-} || $(stat -c %s "$file") == "$2" ]] || fail "$1 is not as long as its descriptor says"
  echo "$file"
}
descriptor() { jq -r "$1 | .digest, .size" "$2" | xargs; }
read -r digest size < <(descriptor '.manifests[0]' "$work/image/index.json")
manifest=$(blob "$digest" "$size")
read -r digest size < <(descriptor .config "$manifest")
config=$(blob "$digest" "$size")
read -r digest size < <(descriptor '.layers[0]' "$manifest")
layer=$(blob "$digest" "$size")
[[ $(find "$work/image/blobs" -type f | wc -l) == 3 ]] || fail 'there are blobs that nothing names'
[[ $(jq -r '.rootfs.diff_ids[0]' "$config") == "sha256:$(gzip -dc "$layer" | sha256sum | cut -d ' ' -f 1)" ]] || fail 'the diff id is another'
[[ $(jq -r .config.User "$config") == 65532:65532 ]] || fail 'the image runs as somebody else'

begin 'the image runs'
if ((EUID != 0)) || ! unshare --mount true 2>/dev/null; then
  echo 'skipped: the image is unpacked and entered by root only'
else
  mkdir "$work/root"
  tar -C "$work/root" --same-owner -p -xzf "$layer"
  [[ $(stat -c '%u %a' "$work/root/var/lib/keyharbor") == '65532 700' ]] || fail 'the data has another owner'
  port=$((20000 + RANDOM % 12000))
  cat >"$work/root/etc/keyharbor/keyharbor.toml" <<TOML
[server]
public_url = "https://keys.example.com"
behind_proxy = true
[oidc]
issuer = "https://id.example.com"
client_id = "keyharbor"
[outbound]
proxy = "http://127.0.0.1:9"
[custody]
key_file = "/var/lib/keyharbor/root.key"
TOML
  # The root read-only, the volume writable, as an engine would with --read-only; the image's own words say how it is started.
  mapfile -t start < <(jq -r '.config.Entrypoint[]' "$config")
  mapfile -t environment < <(jq -r '.config.Env[]' "$config")
  cat >"$work/enter" <<'SH'
set -e
mount --bind "$1" "$1"
mount --bind "$1/var/lib/keyharbor" "$1/var/lib/keyharbor"
mount -o remount,bind,ro "$1"
if touch "$1/tmp/x" 2>/dev/null; then echo 'the root can be written' >&2; exit 1; fi
place=$1; shift
exec chroot --userspec=65532:65532 --groups= "$place" "$@"
SH
  image=(unshare --mount --propagation private env -i "${environment[@]}" "KEYHARBOR__SERVER__LISTEN=127.0.0.1:$port" "PATH=$PATH"
    bash "$work/enter" "$work/root" "${start[@]}")
  "${image[@]}" --version
  "${image[@]}" init </dev/null
  "${image[@]}" config check
  [[ $(stat -c '%u %a' "$work/root/var/lib/keyharbor/root.key") == '65532 600' ]] || fail 'the root key has another owner'
  "${image[@]}" serve >"$work/log" 2>&1 &
  server=$!
  curl -s --retry 30 --retry-delay 1 --retry-connrefused --max-time 5 -o "$work/ready" -w '%{http_code}\n' -H 'Host: keys.example.com' "http://127.0.0.1:$port/readyz" >"$work/status" ||
    { cat "$work/log"; fail 'the image does not answer'; }
  [[ $(cat "$work/status") == 200 ]] || { cat "$work/log"; fail "/readyz: $(cat "$work/status" "$work/ready")"; }
  kill "$server"
  wait "$server" || fail 'the server did not end well'
  server=''
fi
echo 'packages: ok'
