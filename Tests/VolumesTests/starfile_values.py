"""Prints what STARReferenceTests.swift expects of the STAR files of the package starfile, as Swift rows.

    python starfile_values.py SHARED_DATA

Versions used: Python 3.11, starfile 0.5.13, pandas 3.1.1. Every cell is read as text. The text of a file is that of its blocks one
after the other: the name and a line feed; then, of a block of pairs, each name and value with a line feed behind each; of a loop, the
names of the columns and the cells row by row, with a line feed behind each. The digest is SHA-256.
"""

import glob
import hashlib
import os
import sys
import warnings

import starfile

warnings.filterwarnings("ignore")
root = os.path.join(sys.argv[1], "teamtomo+starfile/tests/data")
for path in sorted(glob.glob(f"{root}/**/*.star", recursive=True)):
    columns = {line.split()[0].lstrip("_") for line in open(path) if line.startswith("_")}
    blocks = starfile.read(path, always_dict=True, parse_as_string=sorted(columns))
    text = []
    for name, block in blocks.items():
        text.append(name)
        if isinstance(block, dict):
            for key, value in block.items():
                text += [key, str(value)]
        else:
            text += list(block.columns)
            text += [str(cell) for row in block.itertuples(index=False) for cell in row]
    digest = hashlib.sha256("".join(f"{word}\n" for word in text).encode()).hexdigest()
    print(f'            ("{os.path.relpath(path, root)[:-5]}", "{digest}"),')
