"""How good pseudo-labels are on simulated tomograms, from the pipeline's own masks.

    python pseudo_labels.py CELLAR FOLDER [--seeds 201,202,203] [--ratios 0.1,0.5] [--set "key=value key=value"]

CELLAR is the program; FOLDER receives tomograms and a catalog. A slab of 40 slices of each tomogram (256 × 256 × 64 voxels) goes through
all steps to `pseudo-labels` and is compared with the truth: macromolecules (ribosomes, proteasomes, complexes) one to one, each
prediction with a truth nearer than half of its diameter; membrane voxel by voxel. Needs numpy, scipy, mrcfile.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys

import mrcfile
import numpy as np
from scipy.optimize import linear_sum_assignment

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seeds", default="201,202,203")
parser.add_argument("--ratios", default="0.1,0.5")
parser.add_argument("--set", default="")
parser.add_argument("--first", type=int, default=12)
parser.add_argument("--end", type=int, default=52)
options = parser.parse_args()
folder, voxel = options.folder, 13.48
FIRST, END = options.first, options.end
MACROMOLECULES = {"ribosome", "proteasome", "complex"}


def run(*arguments):
    result = subprocess.run([str(options.cellar), *arguments], capture_output=True, text=True, cwd=folder)
    if result.returncode:
        sys.exit(f"cellar {' '.join(arguments)}: {result.stderr}")
    return result.stdout


def matches(found, truth, radii):
    """How many pairs there are, one to one, nearer than the radius of the truth."""
    if not len(found) or not len(truth):
        return 0
    distances = np.linalg.norm(found[:, None] - truth[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(distances < radii[None], 0, 1))
    return int((distances[rows, columns] < radii[columns]).sum())


folder.mkdir(parents=True)
run("init")
if options.set:
    run("recipe", "set", *options.set.split())
names = {}
for seed in options.seeds.split(","):
    for ratio in options.ratios.split(","):
        name = f"s{seed}_{ratio}"
        run("simulate", name, "--tomograms", "1", "--size", "256,256,64", "--seed", seed, "--snr", ratio)
        run("add", f"{name}/tomo_01.mrc", "--dataset", "quality", "--name", name)
        run("slab", "add", name, "--z", f"{FIRST}..<{END}")
        names[name] = ratio
run("run")

print("| tomogram | particles | found | right | precision | recall | F1 | membrane Dice | ignored |")
print("|---|---|---|---|---|---|---|---|---|")
summary = {}
for name, ratio in names.items():
    with open(folder / name / "truth/tomo_01_particles.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] in MACROMOLECULES]
    truth = np.array([[float(row[f"{axis}_angstrom"]) for axis in "xyz"] for row in rows]).reshape(-1, 3)
    radii = np.array([float(row["radius_angstrom"]) for row in rows])
    inside = (truth[:, 2] >= FIRST * voxel) & (truth[:, 2] < END * voxel)
    truth, radii = truth[inside], radii[inside]
    objects = json.loads(run(
        "query", "SELECT x, y, z FROM v_object WHERE tomogram = :name AND class = 'macromolecule'", "--param", f"name={name}",
        "--format", "json"))
    found = np.array([[row["x"], row["y"], row["z"]] for row in objects]).reshape(-1, 3)
    right = matches(found, truth, radii)
    run("export", "labels", name, "--output", f"{name}.mrc")
    with mrcfile.open(folder / f"{name}.mrc") as file:
        labels = file.data[FIRST:END]
    with mrcfile.open(folder / name / "truth/tomo_01_labels.mrc") as file:
        membrane = file.data[FIRST:END] == 1
    predicted = labels == 1
    dice = 2 * (predicted & membrane).sum() / max(1, int(predicted.sum() + membrane.sum()))
    precision, recall = right / max(1, len(found)), right / max(1, len(truth))
    f1 = 2 * right / max(1, len(found) + len(truth))
    ignored = (labels == 3).mean()
    summary.setdefault(ratio, []).append((f1, dice))
    print(f"| {name} | {len(truth)} | {len(found)} | {right} | {precision:.2f} | {recall:.2f} | {f1:.2f} | {dice:.2f} | {ignored:.3f} |",
          flush=True)
for ratio, rows in summary.items():
    f1, dice = np.mean(rows, axis=0)
    print(f"\nSNR {ratio}: F1 {f1:.2f}, membrane Dice {dice:.2f} (means of {len(rows)})")
