#!/usr/bin/env bash
# The Debian package of a binary that is already built. The same binary gives the same bytes: times are SOURCE_DATE_EPOCH (by
# default the last commit's), owners are root, and what is generated depends on the source alone.
#
#   packaging/deb/build.sh [--version VERSION] BINARY FOLDER      prints the package's path
#
# It needs dpkg-dev. A script and not cargo-deb: what lies where can be read here, it builds nothing (tests pack one binary
# several times, with other versions), and there is no tool to install first.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
if [[ ${1:-} == --version ]]; then
  version=$2
  shift 2
fi
if (($# != 2)); then
  sed -n '5s/^# *//p' "${BASH_SOURCE[0]}" >&2
  exit 2
fi
binary=$(realpath -e "$1")
out=$(realpath "$2")
# 0.2.0-rc.1 comes before 0.2.0 for dpkg too; what follows the last dash is the package's own count.
version=${version/-/\~}-1
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct)}
architecture=$(dpkg --print-architecture)

work=$(mktemp -d "${TMPDIR:-/tmp}/keyharbor-deb.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree
doc=$tree/usr/share/doc/keyharbor
umask 022

place() { install -D -m "$1" "$2" "$tree/$3"; }
place 755 "$binary" usr/bin/keyharbor
place 644 "$root/packaging/keyharbor.service" lib/systemd/system/keyharbor.service
place 644 "$root/packaging/keyharbor.socket" lib/systemd/system/keyharbor.socket
place 644 "$root/packaging/keyharbor.sysusers" usr/lib/sysusers.d/keyharbor.conf
place 640 "$root/packaging/keyharbor.toml" etc/keyharbor/keyharbor.toml
chmod 750 "$tree/etc/keyharbor"
place 644 "$here/lintian-overrides" usr/share/lintian/overrides/keyharbor
place 644 "$root/CHANGELOG.md" usr/share/doc/keyharbor/changelog
for page in "$root"/docs/*.md "$root"/SECURITY.md; do
  place 644 "$page" "usr/share/doc/keyharbor/${page##*/}"
done
for folder in proxy grafana; do
  if [[ -d $root/packaging/$folder ]]; then
    find "$root/packaging/$folder" -type f -printf '%P\n' | while read -r file; do
      place 644 "$root/packaging/$folder/$file" "usr/share/doc/keyharbor/$folder/$file"
    done
  fi
done

mkdir -p "$tree/usr/share/man/man1" "$work/shells"
"$binary" generate man "$tree/usr/share/man/man1"
"$binary" generate completions "$work/shells"
place 644 "$work/shells/keyharbor" usr/share/bash-completion/completions/keyharbor
place 644 "$work/shells/_keyharbor" usr/share/zsh/vendor-completions/_keyharbor
place 644 "$work/shells/keyharbor.fish" usr/share/fish/vendor_completions.d/keyharbor.fish

"$root/packaging/sbom.py" >"$doc/sbom.cdx.json"
{
  cat "$here/copyright"
  for licence in MIT:LICENSE-MIT OFL-1.1:static/fonts/LICENSE-atkinson-hyperlegible-mono.txt; do
    echo "License: ${licence%%:*}"
    # A paragraph's empty line is a dot in this format.
    sed -E 's/\r$//; s/[[:space:]]+$//; s/^$/./; s/^/ /' "$root/${licence#*:}"
    echo
  done
} >"$doc/copyright"
cat >"$doc/changelog.Debian" <<TEXT
keyharbor ($version) stable; urgency=medium

  * What is new stands in changelog.gz.

 -- The Keyharbor developers <maintainers@keyharbor.invalid>  $(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")
TEXT
gzip -9n "$doc/changelog.Debian" "$doc/changelog" "$tree"/usr/share/man/man1/*

# Which C library the binary asks for, by Debian's own reckoning.
mkdir -p "$work/debian"
printf 'Source: keyharbor\n\nPackage: keyharbor\nArchitecture: any\n' >"$work/debian/control"
libraries=$(cd "$work" && dpkg-shlibdeps -O tree/usr/bin/keyharbor 2>/dev/null | sed -n 's/^shlibs:Depends=//p')

mkdir "$tree/DEBIAN"
cat >"$tree/DEBIAN/control" <<TEXT
Package: keyharbor
Version: $version
Architecture: $architecture
Maintainer: The Keyharbor developers <maintainers@keyharbor.invalid>
Installed-Size: $(find "$tree" -path "$tree/DEBIAN" -prune -o -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
Depends: $libraries, ca-certificates, systemd
Suggests: postgresql
Section: admin
Priority: optional
Description: escrow portal for macOS FileVault recovery keys
 Keyharbor keeps the FileVault recovery keys of an organisation's Macs. MDM
 servers, Crypt clients and scripts hand keys in; an employee who is locked out
 signs in from another device and is shown the key of their own Mac for at most
 five minutes; helpdesk staff show one with a reason; auditors can prove who saw
 what.
 .
 The service is not started before its root key has been made.
TEXT
echo /etc/keyharbor/keyharbor.toml >"$tree/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "$here/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

package=$out/keyharbor_${version}_$architecture.deb
# One thread: how many there are shows in the compressed bytes.
DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" >/dev/null
echo "$package"
