#!/bin/bash
# check_install.sh possible           says whether it can be done here: 0, or a sentence and 77.
# check_install.sh packages FOLDER    installs the packages of FOLDER in bare systems, as README.md says, and ends with a demo in each.
# check_install.sh source             builds in a bare Debian 12 with a Swift of this machine, as the README of the project says.
#
# Systems are folders of TMPDIR (3 GB free for `source`) that commands see as their root, with what is mounted in a namespace of each
# command's own: nothing is mounted when a folder is removed. DEBIAN_ROOT is a system that debootstrap has made already, which is copied.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
PATH=$PATH:/usr/sbin:/sbin
say() { echo "— $1"; }

possible() {
    [ "$(id -u)" = 0 ] || { echo "a bare system needs root: chroot and mount" >&2; exit 77; }
    unshare -m true 2>/dev/null || { echo "a bare system needs namespaces for mounts, which are not allowed here" >&2; exit 77; }
    command -v debootstrap >/dev/null || { echo "a bare system needs debootstrap" >&2; exit 77; }
    # What debootstrap itself fetches with.
    wget -q --timeout=20 --tries=1 -O /dev/null "$mirror/dists/bookworm/Release" || { echo "$mirror cannot be reached" >&2; exit 77; }
}

# bare ROOT COMMAND…: runs a command that sees ROOT as its root, and no variable of this system. MOUNTS are folders of this system that it
# may read.
bare() {
    unshare -m --propagation private bash -c '
        root=$1; shift
        mkdir -p "$root/proc" "$root/dev" "$root/tmp"
        mount -t proc proc "$root/proc"
        mount --rbind /dev "$root/dev"
        for folder in $MOUNTS; do mkdir -p "$root$folder"; mount --bind -o ro "$folder" "$root$folder"; done
        exec env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive PATH="$SEARCH" "$(command -v chroot)" "$root" "$@"' bare "$@"
}
MOUNTS=
SEARCH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export MOUNTS SEARCH

# Debian 12 with what every Debian has, and nothing else.
debian() {
    if [ -n "${DEBIAN_ROOT-}" ]; then cp -a "$DEBIAN_ROOT" "$1"
    else debootstrap --variant=minbase bookworm "$1" "$mirror" >"$1.log" 2>&1 || { tail -n 20 "$1.log" >&2; return 1; }; fi
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false"; Dpkg::Use-Pty "false";' >"$1/etc/apt/apt.conf.d/90check"
}

# What stands for `demo`: a small one takes two minutes on two cores, three times. .ci/run tries less.
trial=${TRIAL:-demo demo --tomograms 2 --size 128,128,32}

# The commands of README.md under a heading, as a person types them, but for the demo.
commands() {
    awk -v heading="$1" '!fenced && /^#+ / { inside = ($0 ~ heading) } inside && /^[$#] / && fenced { print } /^```/ { fenced = !fenced }' "$2" |
        sed -e 's/^[$#] //' -e "s/cellar demo\$/cellar $trial/"
}

follow() {
    local lines
    lines=$(commands "$2" "$3")
    [ -n "$lines" ] || { echo "check_install.sh: $3 has no command under \"$2\"" >&2; return 1; }
    echo "$lines" | sed 's/^/  $ /'
    bare "$1" /bin/bash -ec "mkdir /opt/$2; cd /opt/$2; cp /root/cellar* .; $lines" >"$1.out" 2>&1 || { tail -n 30 "$1.out" >&2; return 1; }
    tail -n 3 "$1.out" | sed 's/^/  /'
}

packages() {
    local folder=$1 archive package libc
    archive=$(ls -t "$folder"/cellar-*.tar.gz | head -n 1)
    package=$(ls -t "$folder"/cellar_*.deb | head -n 1)

    say "the archive where there is a C library and nothing else"
    mkdir -p "$work/libc/lib64" "$work/libc/lib/$(uname -m)-linux-gnu"
    cp -L /lib64/ld-linux-*.so.* "$work/libc/lib64/" 2>/dev/null || cp -L /lib/ld-linux-*.so.* "$work/libc/lib/"
    for libc in c m mvec pthread dl rt resolv util; do
        cp -L /lib/*-linux-gnu/lib$libc.so.* "$work/libc/lib/$(uname -m)-linux-gnu/" 2>/dev/null || true
    done
    tar -C "$work/libc" --strip-components=1 -xzf "$archive"
    bare "$work/libc" /bin/cellar --version | sed 's/^/  /'
    bare "$work/libc" /bin/cellar $trial >"$work/libc.out" 2>&1 ||
        { tail -n 30 "$work/libc.out" >&2; return 1; }

    say "a bare Debian 12"
    debian "$work/debian"
    cp "$archive" "$package" "$work/debian/root"
    say "the archive, as README.md says"
    follow "$work/debian" "archive" "$here/README.md"
    say "the package, as README.md says"
    follow "$work/debian" "Debian" "$here/README.md"
    bare "$work/debian" cellar --version | sed 's/^/  /'
    say "nothing of the package is left when it is removed"
    bare "$work/debian" apt-get remove -q cellar >"$work/remove.log" 2>&1
    if find "$work/debian/usr" -iname '*cellar*' | grep .; then return 1; fi
    say "the container's %post"
    cp "$package" "$work/debian/opt/cellar.deb"
    bare "$work/debian" /bin/sh -ec "$(sed -n '/^%post/,/^%/{/^%/d;p}' "$here/cellar.def")" >"$work/post.log" 2>&1 ||
        { tail -n 30 "$work/post.log" >&2; return 1; }
    bare "$work/debian" /bin/sh -ec "$(sed -n '/^%test/,/^%/{/^%/d;p}' "$here/cellar.def")" | sed 's/^/  /'
    say "all of it works"
}

from_source() {
    local swift
    swift=$(dirname "$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")")
    say "a bare Debian 12 with the Swift of $swift"
    debian "$work/debian"
    # What swift.org asks for beside the toolchain, and make and git.
    bare "$work/debian" apt-get update -q >"$work/apt.log" 2>&1
    bare "$work/debian" apt-get install -q make git ca-certificates binutils binutils-gold gcc g++ libc6-dev libstdc++-12-dev libcurl4 \
        libedit2 libncurses6 libpython3.11 libsqlite3-0 libxml2 libz3-4 pkg-config tzdata unzip >>"$work/apt.log" 2>&1 ||
        { tail -n 20 "$work/apt.log" >&2; return 1; }
    git clone -q "$here/.." "$work/debian/root/cellar"
    # Certificates that this machine trusts beside Debian's, where it has some: packages come by its network.
    if [ -d /usr/local/share/ca-certificates ]; then
        cp -rL /usr/local/share/ca-certificates "$work/debian/usr/local/share/" && bare "$work/debian" update-ca-certificates >/dev/null 2>&1
    fi
    # Git's own mirrors, where this machine has some.
    local replaced='^url\..*\.insteadof$' mirrors
    { git config --get-regexp "$replaced" || true; } | while read -r key value; do git config --file "$work/debian/etc/gitconfig" --add "$key" "$value"; done
    mirrors=$({ git config --get-regexp "$replaced" || true; } | sed -n 's,^url\.\(/.*\)\.insteadof .*,\1,p' | sort -u)
    MOUNTS="$swift $mirrors" SEARCH=$swift/usr/bin:$SEARCH
    local targets=${TARGETS:-demo test install}
    for target in $targets; do
        say "make $target"
        bare "$work/debian" bash -c "cd /root/cellar && make $target"
    done
    case " $targets " in *" install "*) bare "$work/debian" cellar --version ;; esac
}

case ${1-} in
possible) possible; exit 0 ;;
packages | source) possible ;;
*) sed -n 's/^# //;2,4p' "$0" >&2; exit 2 ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/cellar-install-XXXXXX")
# A link to it, or something mounted below it, is none of ours.
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM HUP
if [ "$1" = source ]; then from_source; else packages "${2:?a folder with packages}"; fi
