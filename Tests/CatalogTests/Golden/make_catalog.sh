#!/bin/sh
# make_catalog.sh PROGRAM: catalogs/VERSION.sqlite, a small catalog as this version of the program leaves it. Each release adds its own
# (Packaging/RELEASE.md), and SchemaHistoryTests opens all of them. Needs sqlite3.
set -eu
program=$(readlink -f "$1")
catalogs=$(cd "$(dirname "$0")/catalogs" && pwd)
folder=$(mktemp -d /tmp/cellar-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"$program" init
"$program" simulate data --tomograms 1 --size 32,32,16
mv data/tomo_01.mrc TS_001.mrc
"$program" add TS_001.mrc --dataset lab --voxel-size 10 --meta grid=A3
"$program" slab add TS_001 --z '4..<8'
printf 'x [A],y [A],z [A]\n100,110,20\n200,150,30\n' >points.csv
"$program" annotate TS_001 --points points.csv --class ribosome --radius 120
"$program" run --until describe
# Small pages: most tables have a row or two.
sqlite3 .cellar/catalog.sqlite 'PRAGMA journal_mode = DELETE; PRAGMA page_size = 512; VACUUM'
install -m 644 .cellar/catalog.sqlite "$catalogs/$("$program" --version | head -n 1).sqlite"
ls -l "$catalogs"
