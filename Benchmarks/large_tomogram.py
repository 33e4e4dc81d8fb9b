"""A tomogram of 1000 × 1000 × 300 voxels with labels of all of them, to time `segment`, `evaluate` and `measure` in a catalog.

    python large_tomogram.py FOLDER

FOLDER receives tomo.mrc (int8, 13.48 Å), labels.mrc (1 membrane: 40 vesicles and two folded sheets; 2 macromolecule: 400 balls) and points.csv.
Needs numpy, mrcfile; the command lines that it was used with stand in NOTES.md.
"""

import pathlib
import sys

import mrcfile
import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(5)
Z, Y, X = 300, 1000, 1000
vesicles = [(random.uniform(0, Z), random.uniform(0, Y), random.uniform(0, X), random.uniform(20, 90)) for _ in range(40)]
balls = [(random.uniform(0, Z), random.uniform(0, Y), random.uniform(0, X)) for _ in range(400)]
SHEETS = [(200, 30, 0.01, 0.3), (700, 40, 0.008, 1.1)]
y, x = np.mgrid[0:Y, 0:X].astype(np.float32)
with mrcfile.new_mmap(folder / "labels.mrc", (Z, Y, X), 0, overwrite=True) as labels, \
        mrcfile.new_mmap(folder / "tomo.mrc", (Z, Y, X), 0, overwrite=True) as tomogram:
    for z in range(Z):
        membrane, ball = np.zeros((Y, X), bool), np.zeros((Y, X), bool)
        for cz, cy, cx, radius in vesicles:
            if abs(z - cz) < radius + 3:
                membrane |= np.abs(np.sqrt((y - cy) ** 2 + (x - cx) ** 2 + (z - cz) ** 2) - radius) < 2
        for start, height, frequency, phase in SHEETS:
            membrane |= np.abs(y - (start + height * np.sin(frequency * x + phase + 0.02 * z))) < 2
        for cz, cy, cx in balls:
            if abs(z - cz) < 9:
                rows, columns = slice(int(max(cy - 10, 0)), int(cy + 11)), slice(int(max(cx - 10, 0)), int(cx + 11))
                near = (y[rows, columns] - cy) ** 2 + (x[rows, columns] - cx) ** 2 + (z - cz) ** 2
                ball[rows, columns] |= near < 81
        labels.data[z] = np.where(membrane, 1, np.where(ball, 2, 0))
        noise = random.normal(0, 12, (Y, X))
        tomogram.data[z] = np.clip(noise - 60 * membrane - 50 * (ball & ~membrane), -127, 127)
    tomogram.voxel_size = labels.voxel_size = 13.48
    tomogram.update_header_stats()
with open(folder / "points.csv", "w") as file:
    file.write("x,y,z\n" + "".join(f"{13.48 * cx},{13.48 * cy},{13.48 * cz}\n" for cz, cy, cx in balls))
