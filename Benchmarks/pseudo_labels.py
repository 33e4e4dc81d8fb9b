"""How good pseudo-labels are on simulated tomograms, from the pipeline's own masks, and what their confidence tells.

    python pseudo_labels.py CELLAR FOLDER [--collections simulate,second,third] [--seeds 201] [--tomograms 3] [--ratios 0.1,0.5]
        [--set "key=value key=value"] [--size 256,256,64] [--first 12] [--end 52] [--cellpose FILE] [--templates FOLDER]

CELLAR is the program; FOLDER receives tomograms, as for carry_over.py, and catalogs; what is there is taken. A slab of each tomogram goes through
all steps to `pseudo-labels` and is compared with the truth: particles one to one, each prediction with a truth nearer than half of its diameter
(all of at least 10 nm, and those of at least 20 nm alone, for which predictions count whose own diameter is that); membrane voxel by voxel, as labels have it, where what is ignored
is not found.

"AUC" is that of confidence for right and wrong: of particles, right where one is matched; of pieces of membrane, right where half of the voxels are true
membrane, each weighing its voxels. It is empty where nothing is wrong or nothing right, or nothing has a confidence. With --cellpose the masks are
split by that network, and by the watershed before, so that both are seen on the same masks. Needs numpy, scipy, mrcfile, h5py; the second simulator
opencv.
"""

import argparse
import json
import pathlib

import numpy as np
from comparison import arrays, dice, pairs, runner
from unseen_data import collections

OBJECTS = "SELECT class, number, x, y, z, radius, voxels, confidence FROM v_object WHERE step = 'pseudo-labels' AND tomogram = :name"
LARGE = 100


def weighted_auc(scores, right, weights):
    """The part of the pairs of a right and a wrong one in which the right one has the higher score; None without pairs."""
    good, bad = right & np.isfinite(scores), ~right & np.isfinite(scores)
    if not good.any() or not bad.any():
        return None
    more = (scores[good][:, None] > scores[bad][None]) + 0.5 * (scores[good][:, None] == scores[bad][None])
    pair_weights = weights[good][:, None] * weights[bad][None]
    return float((more * pair_weights).sum() / pair_weights.sum())


def prepared(options, collection):
    """A catalog of the tomograms of a collection, each with its slab."""
    folder = options.folder / "catalogs" / collection.name
    run = runner(options.cellar, folder)
    if not (folder / ".cellar").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run("init")
        for tomogram in collection.tomograms:
            run("add", str(tomogram.volume), "--dataset", "quality", "--name", tomogram.name)
            run("slab", "add", tomogram.name, "--z", f"{options.first}..<{options.end}")
    if options.set:
        run("recipe", "set", *options.set.split())
    return folder, run


def figures(found, radii, truth, truth_radii):
    right = pairs(found, truth, truth_radii)
    count = len(right)
    return right, count / max(1, len(found)), count / max(1, len(truth)), 2 * count / max(1, len(found) + len(truth))


def measured(options, tomogram, run, artifacts, voxel):
    """The cells of a tomogram, and scores for the areas under curves: (confidence, right, weight) of particles and of pieces."""
    rows = json.loads(run("query", OBJECTS, "--param", f"name={tomogram.name}", "--format", "json"))
    balls = [row for row in rows if row["class"] != "membrane"]
    found = np.array([[row["x"], row["y"], row["z"]] for row in balls]).reshape(-1, 3)
    radii = np.array([row["radius"] for row in balls])
    inside = (tomogram.centres[:, 2] >= options.first * voxel) & (tomogram.centres[:, 2] < options.end * voxel) & (tomogram.sizes != "")
    truth, truth_radii = tomogram.centres[inside], tomogram.radii[inside]
    pairing, precision, recall, f1 = figures(found, radii, truth, truth_radii)
    large, true_large = radii >= LARGE, truth_radii >= LARGE
    of_large = figures(found[large], radii[large], truth[true_large], truth_radii[true_large])[1:]
    right = np.isin(np.arange(len(found)), pairing)
    particles = np.array([[row["confidence"] if row["confidence"] is not None else np.nan for row in balls], right, np.ones(len(balls))])

    membrane, _ = tomogram.read_labels()
    membrane = membrane[options.first:options.end] == 1
    classes, objects = (artifacts[part][tomogram.name, options.first] for part in ("classes", "objects"))
    predicted = classes == 1
    pieces = [row for row in rows if row["class"] == "membrane" and row["confidence"] is not None]
    counts = np.bincount(objects.ravel(), minlength=1 + max([row["number"] for row in rows], default=0))
    true_counts = np.bincount(objects[membrane].ravel(), minlength=len(counts))
    sheets = np.array([
        [row["confidence"] for row in pieces], [2 * true_counts[row["number"]] >= counts[row["number"]] for row in pieces],
        [counts[row["number"]] for row in pieces]])
    both = (predicted & membrane).sum()
    values = [len(truth), len(found), len(pairing), precision, recall, f1, *of_large, both / max(1, predicted.sum()),
              both / max(1, membrane.sum()), dice(predicted, membrane), (classes == 3).mean()]
    return values, particles, sheets


NAMES = ["particles", "found", "right", "precision", "recall", "F1", "precision ≥ 20 nm", "recall ≥ 20 nm", "F1 ≥ 20 nm",
         "membrane precision", "membrane recall", "membrane Dice", "ignored"]


def measure(options, title, changes=()):
    summary = {}
    print(f"\n{title}\n\n| tomogram | {' | '.join(NAMES)} |\n|{'---|' * (len(NAMES) + 1)}", flush=True)
    for collection in collections(options):
        folder, run = prepared(options, collection)
        if changes:
            run("recipe", "set", *changes)
        run("run", "--until", "pseudo-labels")
        artifacts = {part: arrays(run, folder, "pseudo-labels", part) for part in ("classes", "objects")}
        for tomogram in collection.tomograms:
            voxel = tomogram.read_labels()[1]
            values, particles, sheets = measured(options, tomogram, run, artifacts, voxel)
            cells = [str(value) if isinstance(value, int) else f"{value:.2f}" for value in values]
            print(f"| {collection.data} {collection.ratio} {tomogram.name} | {' | '.join(cells)} |", flush=True)
            summary.setdefault((collection.data, collection.ratio), []).append((values, particles, sheets))
    print("\n| collection, SNR | F1 | F1 ≥ 20 nm | membrane Dice (least-greatest) | AUC of particles (right, wrong) | AUC of membranes (right, wrong) |\n|" + "---|" * 6)
    for (data, ratio), rows in summary.items():
        values = np.array([row[0] for row in rows], float)
        # Within the collection: a reader sets one limit for all its tomograms.
        areas = []
        for part in (1, 2):
            scores, right, weights = np.concatenate([row[part] for row in rows], 1)
            area = weighted_auc(scores, right > 0, weights)
            areas.append(f"{'' if area is None else f'{area:.2f}'} ({int((right > 0).sum())}, {int((right == 0).sum())})")
        dices = values[:, NAMES.index("membrane Dice")]
        print(f"| {data}, {ratio} | {values[:, NAMES.index('F1')].mean():.2f} | {values[:, NAMES.index('F1 ≥ 20 nm')].mean():.2f} | "
              f"{dices.mean():.2f} ({dices.min():.2f}-{dices.max():.2f}) | {' | '.join(areas)} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--collections", default="simulate")
    parser.add_argument("--seeds", default="201", help="of collections: their first tomograms'")
    parser.add_argument("--tomograms", type=int, default=3)
    parser.add_argument("--ratios", default="0.1,0.5")
    parser.add_argument("--set", default="")
    parser.add_argument("--size", default="256,256,64")
    parser.add_argument("--first", type=int, default=12)
    parser.add_argument("--end", type=int, default=52)
    parser.add_argument("--cellpose", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--templates", type=lambda path: pathlib.Path(path).resolve())
    options = parser.parse_args()
    # What carry_over.py's collections are asked for; slices that teach are the slab's here.
    options.snr, options.labelled, options.slices = options.ratios, 0, "0,0"
    if not options.cellpose:
        return measure(options, "Pseudo-labels")
    measure(options, "Watershed")
    for catalog in sorted((options.folder / "catalogs").iterdir()):
        runner(options.cellar, catalog)("model", "add", "cellpose", str(options.cellpose), "--kind", "cellpose")
    measure(options, "CellPose", ["split.method=cellpose", "split.model=cellpose"])


if __name__ == "__main__":
    main()
