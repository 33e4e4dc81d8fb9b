#!/bin/sh
# install.sh PROGRAM PREFIX     installs a built program, and notes in PREFIX/share/cellar/installed what it made.
# install.sh --remove PREFIX    removes what is noted there, and nothing else.
set -eu
list=share/cellar/installed

if [ "$1" = --remove ]; then
    cd "$2"
    test -f "$list" || { echo "install.sh: there is no $2/$list: nothing was installed there" >&2; exit 1; }
    noted=$(mktemp)
    trap 'rm -f "$noted"' EXIT
    # Files before folders, and what lies in a folder before it.
    sort -r "$list" >"$noted"
    grep -v '/$' "$noted" | while IFS= read -r file; do rm -f "./$file"; done
    grep '/$' "$noted" | while IFS= read -r folder; do rmdir "./$folder" 2>/dev/null || true; done
    exit 0
fi

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
"$(dirname "$0")/stage.sh" "$1" "$stage"
mkdir -p "$2" "$stage/share/cellar"
prefix=$(cd "$2" && pwd)
# What an earlier version installed is removed with this one.
{
    if [ -f "$prefix/$list" ]; then cat "$prefix/$list"; fi
    cd "$stage"
    find . -type d ! -name . | sed 's,^\./,,' | sort | while IFS= read -r folder; do
        if [ ! -d "$prefix/$folder" ]; then mkdir -m 755 "$prefix/$folder"; echo "$folder/"; fi
    done
    find . -type f | sed 's,^\./,,'
    echo "$list"
} | sort -u >"$stage/$list.new"
cd "$stage"
mv "$list.new" "$list"
find . -type f | while IFS= read -r file; do
    # A new file under the name, so that a program that runs is not written over.
    cp -p "$file" "$prefix/$file.new" && mv -f "$prefix/$file.new" "$prefix/$file"
done
