"""How many false picks lie on the surfaces of the sample, in catalogs that `carry_over.py` made of `cellar simulate`.

    python near_surfaces.py CELLAR FOLDER...

CELLAR is the program, each FOLDER one of `carry_over.py`'s. Picks are those that stand in its catalogs, of the tomograms that taught nothing; one is
false where no true particle of any size lies nearer than its radius. Near is within 8 voxels along z of either surface of the truth, at its place.
Needs numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4.
"""

import json
import pathlib
import sys

import mrcfile
import numpy as np
from comparison import pairs, runner

PICKED = "SELECT tomogram, x, y, z, confidence FROM v_object WHERE step = 'pick'"
NEAR = 8


def counted(truth, name, picks):
    """Numbers of picks, of false ones, and of false ones near a surface; of true particles, and of those near a surface."""
    with mrcfile.open(truth / f"{name}_surfaces.mrc") as file:
        # [surface][y][x], in voxels along z.
        surfaces, voxel = file.data.copy(), float(file.voxel_size.x)
    table = np.genfromtxt(truth / f"{name}_particles.csv", delimiter=",", skip_header=1, usecols=(0, 1, 2, 4)).reshape(-1, 4)

    def near(places):
        voxels = places / voxel
        x, y = (np.clip(np.round(voxels[:, axis]).astype(int), 0, surfaces.shape[2 - axis] - 1) for axis in (0, 1))
        return (np.abs(surfaces[:, y, x] - voxels[:, 2]) <= NEAR).any(0)

    places = np.array([[row[axis] for axis in "xyz"] for row in picks]).reshape(-1, 3)
    false = np.delete(places, pairs(places, table[:, :3], table[:, 3]), 0)
    return np.array([len(places), len(false), near(false).sum(), len(table), near(table[:, :3]).sum()])


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print("| catalog | picks | false | false, near a surface | of all picks | true | true, near a surface |")
    print("|---|---|---|---|---|---|---|")
    for folder in map(pathlib.Path, sys.argv[2:]):
        for catalog in sorted(folder.glob("projects/simulate_*/*/*/.cellar")):
            collection, taught_by = catalog.parts[-4], catalog.parts[-3]
            truth = folder / f"collections/{collection}/truth"
            picks = {}
            for row in json.loads(runner(pathlib.Path(sys.argv[1]).resolve(), catalog.parent)("query", PICKED, "--format", "json")):
                picks.setdefault(row["tomogram"], []).append(row)
            names = sorted(path.name.removesuffix("_surfaces.mrc") for path in truth.glob("*_surfaces.mrc"))
            total = sum(counted(truth, name, picks.get(name, [])) for name in names[int(taught_by.split("_")[0]):])
            part = f"{total[2] / total[0]:.1%}" if total[0] else ""
            print(f"| {folder.name}/{collection}/{taught_by} | {total[0]} | {total[1]} | {total[2]} | {part} | {total[3]} | {total[4]} |")


if __name__ == "__main__":
    main()
