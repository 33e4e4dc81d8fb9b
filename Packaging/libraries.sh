# Sourced: copies shared libraries that a program takes along, and tells it where they are.

# Libraries of the C library itself: they have to be those of the machine.
glibc='^(ld-linux.*|lib(c|m|mvec|pthread|dl|rt|resolv|util|anl|nsl|BrokenLocale|thread_db))\.so'

# take_libraries PROGRAM FOLDER [WANTED…]: copies what the PROGRAM and the files WANTED need to FOLDER, by their names in ELF files.
# Where `skip` is a function, libraries whose path it accepts stay out. The PROGRAM finds them in ../lib/cellar.
take_libraries() {
    program=$1 libraries=$2
    shift 2
    { ldd "$program"; for wanted; do echo "$(basename "$wanted") => $wanted"; ldd "$wanted"; done; } |
        awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | sort -u |
        while read -r name path; do
            if echo "$name" | grep -Eq "$glibc"; then continue; fi
            if command -v skip >/dev/null && skip "$path"; then continue; fi
            mkdir -p "$libraries"
            install -m 644 "$path" "$libraries/$name"
        done
    if ldd "$program" | grep -q 'not found'; then ldd "$program" | grep 'not found' >&2; return 1; fi
    [ -d "$libraries" ] || return 0
    # An RPATH and not a RUNPATH: it holds for what libraries need, and for what is loaded later, too.
    patchelf --force-rpath --set-rpath '$ORIGIN/../lib/cellar' "$program"
    for library in "$libraries"/*; do patchelf --set-rpath '$ORIGIN' "$library"; done
}

# package_of PATH: the Debian package that a library belongs to; fails where it is nobody's. On a merged /usr, dpkg knows it by either path.
package_of() {
    real=$(readlink -f "$1")
    { dpkg-query -S "$real" || dpkg-query -S "${real#/usr}"; } 2>/dev/null | sed -n '1s/[:,].*//p' | grep .
}

# The time of the sources: archives of one commit are the same.
sources=$(cd "$(dirname "$0")/.." && pwd)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$sources" log -1 --format=%ct 2>/dev/null || date -r "$sources/CHANGELOG.md" +%s)}
export SOURCE_DATE_EPOCH
