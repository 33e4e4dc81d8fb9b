#!/bin/sh
# stage.sh PROGRAM FOLDER: makes of a built program what is installed: FOLDER/bin and FOLDER/share. Nothing else is needed at run time.
#
# The program is stripped, and the commit of the checkout is written into it, without compiling anything anew. Pages of the manual and
# completions come from the program itself. ZSH_COMPLETIONS is the folder for those of zsh.
set -eu
program=$1 folder=$2
sources=$(cd "$(dirname "$0")/.." && pwd)
test -x "$program" || { echo "stage.sh: $program is not there; make build makes it" >&2; exit 1; }

man=$folder/share/man/man1
bash=$folder/share/bash-completion/completions
zsh=$folder/${ZSH_COMPLETIONS:-share/zsh/site-functions}
fish=$folder/share/fish/vendor_completions.d
doc=$folder/share/doc/cellar
mkdir -p "$folder/bin" "$man" "$bash" "$zsh" "$fish" "$doc"

# An archive of the sources may lie in a checkout of something else.
commit=
if [ -e "$sources/.git" ]; then commit=$(git -C "$sources" describe --always --dirty --abbrev=10 --exclude='*' 2>/dev/null) || commit=; fi
section=$(mktemp)
trap 'rm -f "$section"' EXIT
# As long as the section is (Sources/CCommit/commit.c), with zeros behind it.
{ printf %.63s "$commit"; head -c 64 /dev/zero; } | head -c 64 >"$section"
objcopy --strip-all --update-section .cellar_commit="$section" "$program" "$folder/bin/cellar"
chmod 755 "$folder/bin/cellar"

"$program" manual | awk -v folder="$man" '/^\.\\" file / { if (file) close(file); file = folder "/" $3; next } { print > file }'
"$program" --generate-completion-script bash >"$bash/cellar"
"$program" --generate-completion-script zsh >"$zsh/_cellar"
"$program" --generate-completion-script fish >"$fish/cellar.fish"
for file in LICENSE README.md CHANGELOG.md; do install -m 644 "$sources/$file" "$doc/$file"; done
find "$folder" -type d -exec chmod 755 {} +
find "$folder/share" -type f -exec chmod 644 {} +
