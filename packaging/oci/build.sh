#!/usr/bin/env bash
# An OCI image of a binary that is already built, as one tar file that `podman load`, `docker load`, `skopeo copy
# oci-archive:…` and registries' tools take. No registry, no base image and no container engine: one layer with the program, the C
# library it was linked against (this machine's), certificate authorities, and nothing else. Same binary and libraries, same bytes.
#
#   packaging/oci/build.sh BINARY FILE.tar
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if (($# != 2)); then
  sed -n '6s/^# *//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
binary=$(realpath -e "$1")
out=$(realpath "$2")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
architecture=$(dpkg --print-architecture) user=65532

work=$(mktemp -d "${TMPDIR:-/tmp}/keyharbor-oci.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree image=$work/image
umask 022
mkdir -p "$tree"/{etc/ssl/certs,etc/keyharbor,var/lib/keyharbor,tmp,usr/bin} "$image/blobs/sha256"

cp "$binary" "$tree/usr/bin/keyharbor"
# The loader and the libraries where the program looks for them, and the name services that the C library opens by itself.
libraries=$(ldd "$binary" | grep -o '/[^ ]*')
libc=$(grep '/libc\.so\.6$' <<<"$libraries")
for library in $libraries "${libc%/*}"/libnss_{dns,files}.so.2; do
  install -D -m 755 "$library" "$tree$library"
done
cp /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/ca-certificates.crt"
printf 'root:x:0:0:root:/:/sbin/nologin\nkeyharbor:x:%s:%s:Keyharbor:/var/lib/keyharbor:/sbin/nologin\n' $user $user >"$tree/etc/passwd"
printf 'root:x:0:\nkeyharbor:x:%s:\n' $user >"$tree/etc/group"
printf 'hosts: files dns\n' >"$tree/etc/nsswitch.conf"
chmod 1777 "$tree/tmp"
chmod 700 "$tree/var/lib/keyharbor"
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

# The layer: everything is root's, but the folder of the data.
members() { (cd "$tree" && find . -mindepth 1 -path ./var/lib/keyharbor "$@" -print0 | sort -z); }
form=(--format=ustar --numeric-owner --no-recursion --null --mtime="@$SOURCE_DATE_EPOCH")
tar -C "$tree" "${form[@]}" --owner=0 --group=0 -cf "$work/layer.tar" -T <(members -o)
tar -C "$tree" "${form[@]}" --owner=$user --group=$user -rf "$work/layer.tar" ./var/lib/keyharbor

# Puts a file among the blobs; prints its descriptor.
blob() {
  local sum
  sum=$(sha256sum "$2" | cut -d ' ' -f 1)
  cp "$2" "$image/blobs/sha256/$sum"
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s%s}' "$1" "$sum" "$(stat -c %s "$2")" "${3:-}"
}
diff=$(sha256sum "$work/layer.tar" | cut -d ' ' -f 1)
gzip -9n "$work/layer.tar"
layer=$(blob application/vnd.oci.image.layer.v1.tar+gzip "$work/layer.tar.gz")

cat >"$work/config.json" <<JSON
{
  "created": "$created",
  "architecture": "$architecture",
  "os": "linux",
  "config": {
    "User": "$user:$user",
    "Entrypoint": ["/usr/bin/keyharbor"],
    "Cmd": ["serve"],
    "Env": ["KEYHARBOR_CONFIG=/etc/keyharbor/keyharbor.toml", "KEYHARBOR__SERVER__LISTEN=0.0.0.0:8080"],
    "ExposedPorts": {"8080/tcp": {}},
    "Volumes": {"/var/lib/keyharbor": {}},
    "WorkingDir": "/var/lib/keyharbor",
    "StopSignal": "SIGTERM",
    "Labels": {
      "org.opencontainers.image.title": "Keyharbor",
      "org.opencontainers.image.description": "Escrow portal for macOS FileVault recovery keys",
      "org.opencontainers.image.version": "$version",
      "org.opencontainers.image.licenses": "MIT OR Apache-2.0"
    }
  },
  "rootfs": {"type": "layers", "diff_ids": ["sha256:$diff"]},
  "history": [{"created": "$created", "created_by": "packaging/oci/build.sh"}]
}
JSON
config=$(blob application/vnd.oci.image.config.v1+json "$work/config.json")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' "$config" "$layer" >"$work/manifest.json"
name=",\"annotations\":{\"io.containerd.image.name\":\"localhost/keyharbor:$version\",\"org.opencontainers.image.ref.name\":\"$version\"}"
manifest=$(blob application/vnd.oci.image.manifest.v1+json "$work/manifest.json" "$name")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$manifest" >"$image/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$image/oci-layout"

find "$image" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
tar -C "$image" --format=ustar --numeric-owner --owner=0 --group=0 --mode=u+rw,go=r,a+X --sort=name --mtime="@$SOURCE_DATE_EPOCH" -cf "$out" \
  oci-layout index.json blobs
echo "$out"
