"""How well networks segment tomograms that they have not seen, trained on pseudo-labels and trained on truth.

    python networks.py CELLAR FOLDER [--seed 411] [--snr 0.5] [--tomograms 6] [--labelled 2] [--set "key=value key=value"]

CELLAR is the program; FOLDER receives simulated tomograms of 256 × 256 × 64 voxels and two catalogs. In the first, a slab of 40 slices of
each of the first tomograms goes through all steps, and both networks are trained on its pseudo-labels; in the second the same networks are
trained on the truth of those tomograms (labels of the same slices, all particles). Both segment the others: membrane Dice, and F1 of macromolecules, each
found one with at most one true one that is nearer than its radius, of all that `pick` found and of those of at least some confidences. Needs
numpy, scipy, mrcfile.
"""

import argparse
import json
import pathlib
import time

import mrcfile
import numpy as np
from comparison import NETWORKS, dice, matches, particles, runner, save_labels, save_points

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("--seed", default="411")
parser.add_argument("--snr", default="0.5")
parser.add_argument("--tomograms", type=int, default=6)
parser.add_argument("--labelled", type=int, default=2)
parser.add_argument("--set", default="")
options = parser.parse_args()
FIRST, END = 12, 52
CONFIDENCES = [0, 0.5, 0.7, 0.8, 0.9, 0.95]
names = [f"tomo_{number:02}" for number in range(1, options.tomograms + 1)]
labelled, unseen = names[:options.labelled], names[options.labelled:]
truth_folder = options.folder / "data/truth"

for name in ["", "pseudo", "truth"]:
    (options.folder / name).mkdir(parents=True, exist_ok=True)
runner(options.cellar, options.folder)(
    "simulate", "data", "--tomograms", str(options.tomograms), "--size", "256,256,64", "--seed", options.seed, "--snr", options.snr)


def labels(name):
    with mrcfile.open(truth_folder / f"{name}_labels.mrc") as file:
        return file.data.copy()


def teach_pseudo(run):
    for name in labelled:
        run("slab", "add", name, "--z", f"{FIRST}..<{END}")
    run("training", "add", "selected")


def teach_truth(run):
    for name in labelled:
        membrane = (labels(name) == 1).astype(np.uint8)
        membrane[:FIRST], membrane[END:] = 0, 0
        save_labels(options.folder / f"truth/{name}_membrane.mrc", membrane)
        centres, radii = particles(truth_folder / f"{name}_particles.csv")
        save_points(options.folder / f"truth/{name}_points.csv", centres)
        run("annotate", name, "--labels", f"{name}_membrane.mrc", "--class", "membrane=1")
        run("annotate", name, "--points", f"{name}_points.csv", "--class", "macromolecule", "--radius",
            f"{np.median(radii):.1f}", "--convention", "angstrom")
    run("training", "add", "selected", "--annotations")


print(f"| trained on | tomogram | membrane Dice | particles | found | right | F1 at {' | '.join(map(str, CONFIDENCES))} |")
print("|---|---|---|---|---|---|" + "---|" * len(CONFIDENCES))
for what, teach in [("pseudo", teach_pseudo), ("truth", teach_truth)]:
    run = runner(options.cellar, options.folder / what)
    run("init")
    run("add", *[f"../data/{name}.mrc" for name in names], "--dataset", "simulated")
    run("recipe", "set", *NETWORKS, *options.set.split())
    teach(run)
    start = time.time()
    run("run")
    seconds = time.time() - start
    rows = []
    for name in names:
        run("export", "labels", name, "--step", "segment", "--output", f"{name}_labels.mrc")
        with mrcfile.open(options.folder / what / f"{name}_labels.mrc") as file:
            overlap = dice(file.data == 1, labels(name) == 1)
        objects = json.loads(run(
            "query", "SELECT x, y, z, confidence FROM v_object WHERE tomogram = :name AND step = 'pick'", "--param", f"name={name}",
            "--format", "json"))
        found = np.array([[row["x"], row["y"], row["z"], row["confidence"]] for row in objects]).reshape(-1, 4)
        true, radii = particles(truth_folder / f"{name}_particles.csv")
        f1 = []
        for least in CONFIDENCES:
            kept = found[found[:, 3] >= least, :3]
            f1.append(2 * matches(kept, true, radii) / max(1, len(kept) + len(true)))
        if name in unseen:
            rows.append((overlap, *f1))
        seen = "" if name in unseen else " (trained on)"
        scores = " | ".join(f"{value:.3f}" for value in f1)
        right = matches(found[:, :3], true, radii)
        print(f"| {what} | {name}{seen} | {overlap:.3f} | {len(true)} | {len(found)} | {right} | {scores} |", flush=True)
    means = [f"{value:.3f}" for value in np.mean(rows, axis=0)]
    print(f"| {what} | mean of {len(rows)} unseen | {means[0]} | | | | {' | '.join(means[1:])} |", flush=True)
    print(f"<!-- {what}: {seconds:.0f} s -->", flush=True)
