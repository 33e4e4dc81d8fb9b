#!/bin/bash
# deb.sh PROGRAM FOLDER: makes FOLDER/cellar_VERSION_ARCHITECTURE.deb of a built program, and prints its path.
#
# What the program needs of Debian is computed (dpkg-shlibdeps). Libraries that are in no package, as Swift's are where it is not
# linked statically, lie in /usr/lib/cellar.
set -euo pipefail
program=$1 folder=$2
. "$(dirname "$0")/libraries.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Debian's name for the package's folder is "debian": dpkg-shlibdeps asks for it.
root=$work/debian/cellar
ZSH_COMPLETIONS=share/zsh/vendor-completions "$sources/Packaging/stage.sh" "$program" "$root/usr"
skip() { package_of "$1" >/dev/null; }
take_libraries "$root/usr/bin/cellar" "$root/usr/lib/cellar"
find "$root/usr/share/man" -name '*.1' -exec gzip -9n {} +
doc=$root/usr/share/doc/cellar
gzip -9n "$doc/CHANGELOG.md"
# Debian's place for the terms, and for the text of this licence, which every system has.
{ echo "Cellar. Licensed under the Apache License, version 2.0; see /usr/share/common-licenses/Apache-2.0."; } >"$doc/copyright"
rm "$doc/LICENSE"

version=$("$program" --version | head -n 1)
architecture=$(dpkg --print-architecture)
(cd "$work" && printf 'Source: cellar\n\nPackage: cellar\nArchitecture: any\n' >debian/control)
# Libraries of the package itself need packages, and are in none.
needs=$(cd "$work" && dpkg-shlibdeps -O --ignore-missing-info -ldebian/cellar/usr/lib/cellar debian/cellar/usr/bin/cellar \
    $(find debian/cellar/usr/lib -name '*.so*' 2>/dev/null) 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
test -n "$needs"
mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: cellar
Version: $version
Architecture: $architecture
Maintainer: The authors of Cellar <cellar@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk --apparent-size "$root/usr" | cut -f1)
Depends: $needs
Recommends: libblosc1, libzstd1, liblz4-1
Description: segment cryo-electron tomograms without labels
 Segments large collections of cryo-electron tomograms, on a workstation or a
 cluster, and re-runs only what is stale. A catalog is one folder: a database
 of tomograms, slabs and results that SQL can ask, and their files.
EOF
(cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
mkdir -p "$folder"
package=$folder/cellar_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz -z2 --build "$root" "$package" >/dev/null
echo "$package"
