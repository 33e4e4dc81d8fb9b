#!/bin/bash
# tarball.sh PROGRAM FOLDER: makes FOLDER/cellar-VERSION-linux-ARCHITECTURE.tar.gz of a built program, and prints its path and which
# C library it needs.
#
# It is unpacked anywhere, and brings its libraries, all but the C library's. Those that open zarr stores come along where they are
# installed. Terms of each library are in share/doc/cellar/libraries.
set -euo pipefail
program=$1 folder=$2
. "$(dirname "$0")/libraries.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$("$program" --version | head -n 1)
name=cellar-$version-linux-$(uname -m)
root=$work/$name
"$sources/Packaging/stage.sh" "$program" "$root"
codecs=$(ldconfig -p | awk '$1 ~ /^lib(blosc|zstd|lz4)\.so\.1$/ && /x86-64|AArch64/ { print $NF }')
take_libraries "$root/bin/cellar" "$root/lib/cellar" $codecs

terms=$root/share/doc/cellar/libraries
mkdir -p "$terms"
for path in $({ ldd "$program"; for codec in $codecs; do echo "x => $codec"; ldd "$codec"; done; } | awk '$3 ~ /^\// { print $3 }' | sort -u); do
    package=$(package_of "$path") || continue
    if [ ! -f "$terms/$package" ]; then install -m 644 "/usr/share/doc/$package/copyright" "$terms/$package"; fi
done
least=$(find "$root/bin" "$root/lib" -type f -exec objdump -T {} + 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
mkdir -p "$folder"
archive=$folder/$name.tar.gz
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$name" | gzip -n >"$archive"
echo "$archive"
echo "needs the C library of ${least/_/ } or a newer one" | sed 's/GLIBC/glibc/'
