"""How good pseudo-labels are on simulated tomograms, from the pipeline's own masks.

    python pseudo_labels.py CELLAR FOLDER [--seeds 201,202,203] [--ratios 0.1,0.5] [--set "key=value key=value"]
        [--cellpose FILE]

CELLAR is the program; FOLDER receives tomograms and a catalog. A slab of 40 slices of each tomogram (256 × 256 × 64 voxels) goes through
all steps to `pseudo-labels` and is compared with the truth: macromolecules (ribosomes, proteasomes, complexes) one to one, each
prediction with a truth nearer than half of its diameter; membrane voxel by voxel. With --cellpose the masks are split by that network,
and by the watershed before, so that both are seen on the same masks. Needs numpy, scipy, mrcfile.
"""

import argparse
import json
import pathlib

import mrcfile
import numpy as np
from comparison import VOXEL, dice, matches, particles, runner

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seeds", default="201,202,203")
parser.add_argument("--ratios", default="0.1,0.5")
parser.add_argument("--set", default="")
parser.add_argument("--first", type=int, default=12)
parser.add_argument("--end", type=int, default=52)
parser.add_argument("--cellpose", type=lambda path: pathlib.Path(path).resolve())
options = parser.parse_args()
folder = options.folder
FIRST, END = options.first, options.end
folder.mkdir(parents=True)
run = runner(options.cellar, folder)
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


def measure():
    run("run")

    print("| tomogram | particles | found | right | precision | recall | F1 | membrane Dice | ignored |")
    print("|---|---|---|---|---|---|---|---|---|")
    summary = {}
    for name, ratio in names.items():
        truth, radii = particles(folder / name / "truth/tomo_01_particles.csv")
        inside = (truth[:, 2] >= FIRST * VOXEL) & (truth[:, 2] < END * VOXEL)
        truth, radii = truth[inside], radii[inside]
        objects = json.loads(run(
            "query",
            "SELECT x, y, z FROM v_object WHERE step = 'pseudo-labels' AND tomogram = :name AND class = 'macromolecule'",
            "--param", f"name={name}", "--format", "json"))
        found = np.array([[row["x"], row["y"], row["z"]] for row in objects]).reshape(-1, 3)
        right = matches(found, truth, radii)
        run("export", "labels", name, "--output", f"{name}.mrc")
        with mrcfile.open(folder / f"{name}.mrc") as file:
            labels = file.data[FIRST:END]
        with mrcfile.open(folder / name / "truth/tomo_01_labels.mrc") as file:
            membrane = file.data[FIRST:END] == 1
        predicted = labels == 1
        overlap = dice(predicted, membrane)
        precision, recall = right / max(1, len(found)), right / max(1, len(truth))
        f1 = 2 * right / max(1, len(found) + len(truth))
        ignored = (labels == 3).mean()
        summary.setdefault(ratio, []).append((f1, overlap))
        print(f"| {name} | {len(truth)} | {len(found)} | {right} | {precision:.2f} | {recall:.2f} | {f1:.2f} | {overlap:.2f} | {ignored:.3f} |",
              flush=True)
    for ratio, rows in summary.items():
        f1, overlap = np.mean(rows, axis=0)
        print(f"\nSNR {ratio}: F1 {f1:.2f}, membrane Dice {overlap:.2f} (means of {len(rows)})")


measure()
if options.cellpose:
    run("model", "add", "cellpose", str(options.cellpose), "--kind", "cellpose")
    run("recipe", "set", "split.method=cellpose", "split.model=cellpose")
    print("\nCellPose")
    measure()
