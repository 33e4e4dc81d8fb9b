"""The whole method, mode by mode: masks, pseudo-labels, and the networks that were trained on them, beside networks trained on truth.

    python modes.py CELLAR FOLDER [--seed 2101] [--snr 0.5,0.2,0.1] [--tomograms 6] [--labelled 2] [--slices 12,52] [--mode "NAME: key=value …"]...
        [--set "…"]

CELLAR is the program; FOLDER receives, for each signal-to-noise ratio, simulated tomograms of 256 × 256 × 64 voxels and one catalog; one that is there
already goes on, and does again only what is stale. The slices of each of the first tomograms are selected; the truth of all is annotated, and
never learned from but by the networks of the mode `truth`, which learn the labels of the same slices and all particles of the same tomograms.
Printed is: the Dice of masks for foreground (all structures); membrane Dice and F1 of macromolecules of pseudo-labels, in the slabs; the same of
networks, on the tomograms that they have not seen; as `cellar stats evaluation` has them. A tomogram's seed is the first one's and its number. Needs
numpy, h5py, mrcfile.
"""

import argparse
import json
import pathlib
import time

import h5py
import mrcfile
import numpy as np
from comparison import NETWORKS, dice, particles, runner, save_labels, save_points

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("--seed", default="2101")
parser.add_argument("--snr", default="0.5,0.2,0.1")
parser.add_argument("--tomograms", type=int, default=6)
parser.add_argument("--labelled", type=int, default=2)
parser.add_argument("--slices", default="12,52")
parser.add_argument("--mode", action="append", default=[])
parser.add_argument("--set", default="")
options = parser.parse_args()
FIRST, END = map(int, options.slices.split(","))
MODES = options.mode or [
    "intensity: features.mode=structure feature-map.source=intensity",
    "structure: features.mode=structure",
    "diffusion: features.mode=diffusion features.model=builtin-diffusion features.timesteps.count=4",
    "truth: features.mode=structure",
]
CLASSES = ["membrane", "ribosome", "proteasome", "complex", "actin", "microtubule", "gold"]
NAMES = [f"tomo_{number:02}" for number in range(1, options.tomograms + 1)]
LABELLED = NAMES[:options.labelled]
MASKS = """
    SELECT s.tomogram, s.z_first AS z, o.digest FROM v_step AS s JOIN v_output AS o ON o.trace_id = s.trace_id
    WHERE s.step = 'mask' AND o.name = 'mask'
"""
SCORES = """
    SELECT step, class, measure, avg(value) AS value FROM v_evaluation
    WHERE (measure, class) IN (('dice', 'membrane'), ('f1', 'macromolecule')) AND (step = 'evaluate-pseudo-labels' OR tomogram NOT IN (%s))
    GROUP BY step, class, measure
"""


def prepared(folder, ratio):
    """A catalog of simulated tomograms and their annotations, made where there is none yet, and their labels as they are annotated."""
    is_first = not (folder / ".cellar").exists()
    folder.mkdir(parents=True, exist_ok=True)
    run = runner(options.cellar, folder)
    if is_first:
        run("simulate", "data", "--tomograms", str(options.tomograms), "--size", "256,256,64", "--seed", options.seed, "--snr", ratio)
        run("init")
        run("add", *[f"data/{name}.mrc" for name in NAMES], "--dataset", "simulated")
        for name in NAMES:
            annotate(run, folder, name)
        listed = " OR ".join(f"tomogram = '{name}'" for name in LABELLED)
        run("training", "add", "truth", "--annotations", "--where", listed)
        run("training", "add", "selected", "--where", listed)
    truths = {}
    for name in NAMES:
        with mrcfile.open(folder / f"{name}_labels.mrc") as file:
            truths[name] = file.data.copy()
    return run, truths


def annotate(run, folder, name):
    """Annotates a tomogram by the simulator's truth; of one with a slab, the slab's slices alone."""
    with mrcfile.open(folder / f"data/truth/{name}_labels.mrc") as file:
        labels = file.data.copy()
    if name in LABELLED:
        # What networks learn from truth is what they learn from pseudo-labels: the same slices.
        labels[:FIRST], labels[END:] = 0, 0
        run("slab", "add", name, "--z", f"{FIRST}..<{END}")
    save_labels(folder / f"{name}_labels.mrc", labels)
    centres, radii = particles(folder / f"data/truth/{name}_particles.csv")
    save_points(folder / f"{name}_points.csv", centres)
    classes = [word for value, name_ in enumerate(CLASSES, 1) for word in ("--class", f"{name_}={value}")]
    run("annotate", name, "--labels", f"{name}_labels.mrc", *classes)
    run("annotate", name, "--points", f"{name}_points.csv", "--class", "macromolecule", "--radius",
        f"{np.median(radii):.1f}", "--convention", "angstrom")


def masks(run, folder, truths):
    values = []
    for row in json.loads(run("query", MASKS, "--format", "json")):
        path = next((folder / ".cellar/blobs").glob(f"**/{row['digest']}*"))
        with h5py.File(path) as file:
            values.append(dice(file["mask"][...] > 0, truths[row["tomogram"]][row["z"]] > 0))
    return np.mean(values)


def scores(run):
    unseen = ", ".join(f"'{name}'" for name in LABELLED)
    rows = json.loads(run("query", SCORES % unseen, "--format", "json"))
    return {(row["step"], row["class"]): row["value"] for row in rows}


def text(value):
    return "" if value is None else f"{value:.3f}"


print("| SNR | mode | mask Dice, foreground | pseudo-labels: membrane Dice | macromolecule F1 | networks: membrane Dice | macromolecule F1 | minutes |")
print("|---|---|---|---|---|---|---|---|")
for ratio in options.snr.split(","):
    folder = options.folder / f"seed_{options.seed}_{options.tomograms}_{options.labelled}_{FIRST}_{END}" / f"snr_{ratio}"
    run, truths = prepared(folder, ratio)
    for name, _, values in (mode.partition(":") for mode in MODES):
        run("training", "use", "truth" if name == "truth" else "selected")
        run("recipe", "preset", "default")
        run("recipe", "set", *NETWORKS, *options.set.split(), *values.split())
        start = time.time()
        run("run")
        found = scores(run)
        row = [] if name == "truth" else [
            masks(run, folder, truths), found.get(("evaluate-pseudo-labels", "membrane")),
            found.get(("evaluate-pseudo-labels", "macromolecule"))]
        row = row or [None] * 3
        row += [found.get(("evaluate", "membrane")), found.get(("evaluate-picks", "macromolecule"))]
        print(f"| {ratio} | {name} | {' | '.join(map(text, row))} | {(time.time() - start) / 60:.1f} |", flush=True)
