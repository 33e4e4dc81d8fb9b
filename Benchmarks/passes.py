"""What fewer passes of the diffusion model cost: slices looked at, timesteps and layers, against seconds.

    python passes.py CELLAR FOLDER [--collections simulate,second,third] [--snr 0.5] [--seeds 11] [--tomograms 2] [--size 256,256,64]
        [--slices 12,52] [--mode "NAME: key=value …"]... [--set "key=value …"] [--templates FOLDER]

CELLAR is the program. FOLDER receives collections as carry_over.py makes them, and a catalog for each, in which the slabs of all tomograms go to
pseudo-labels in each mode: the settings of the recipe that the mode names, from the preset `default` on. One that is there goes on. Printed are, as means
over tomograms: the seconds of `features` and `eigenvectors` for a slab (one item at a time), the AUC of the map for membranes and particles
together and for membranes alone, the Dice of membranes of the diffusion map alone (`link`) and of pseudo-labels, and F1 of particles of at least 20 nm in
pseudo-labels. FOLDER/passes.json holds every figure. Needs what carry_over.py needs, and h5py.
"""

import argparse
import json
import pathlib
import shutil

import numpy as np
from comparison import arrays, auc, dice, pairs, runner
from unseen_data import collections

MODES = [
    "all:", "every 2: features.every=2", "every 3: features.every=3", "every 4: features.every=4",
    "2 timesteps: features.timesteps.count=2", "1 timestep: features.timesteps.count=1",
    "decoder: features.layers=decoder", "every 2, 2 timesteps: features.every=2 features.timesteps.count=2",
    "every 3, 2 timesteps: features.every=3 features.timesteps.count=2"]
# The class of membranes in pseudo-labels (Schema/blobs.md).
MEMBRANE = 1
TIMES = "SELECT tomogram, sum(seconds) AS seconds FROM v_step WHERE step IN ('features', 'eigenvectors') GROUP BY tomogram"
FOUND = "SELECT tomogram, x, y, z FROM v_object WHERE step = 'pseudo-labels' AND class = 'macromolecule'"


def measured(options, collection, name, settings):
    folder = options.folder / "projects" / collection.name
    run = runner(options.cellar, folder)
    if not folder.exists():
        folder.mkdir(parents=True)
        run("init")
        shutil.copy(folder / ".cellar/recipe.yaml", folder / "recipe.yaml")
        run("add", *(str(tomogram.volume) for tomogram in collection.tomograms), "--dataset", "d")
        for tomogram in collection.tomograms:
            run("slab", "add", tomogram.name, "--z", "{}..<{}".format(*collection.slices))
    shutil.copy(folder / "recipe.yaml", folder / ".cellar/recipe.yaml")
    # Nothing is dropped, since maps and labels are read below.
    run("recipe", "set", "catalog.budget=1000", *options.set.split(), *settings.split())
    run("run", "--until", "pseudo-labels", "--jobs", "1")
    seconds = {row["tomogram"]: row["seconds"] for row in json.loads(run("query", TIMES, "--format", "json"))}
    places = {}
    for row in json.loads(run("query", FOUND, "--format", "json")):
        places.setdefault(row["tomogram"], []).append([row["x"], row["y"], row["z"]])
    maps, linked, agreed = (
        {tomogram: values for (tomogram, _), values in arrays(run, folder, step, dataset).items()}
        for step, dataset in (("consistency", "maps"), ("link", "classes"), ("pseudo-labels", "classes")))
    rows = []
    for tomogram in collection.tomograms:
        labels, voxel = tomogram.read_labels()
        first, end = collection.slices
        membrane, particle = labels[first:end] == 1, np.zeros(labels[first:end].shape, bool)
        z, y, x = (np.arange(n) * voxel for n in particle.shape)
        for (cx, cy, cz), radius in zip(tomogram.centres, tomogram.radii):
            particle |= (z[:, None, None] + first * voxel - cz)**2 + (y[:, None] - cy)**2 + (x - cx)**2 <= radius**2
        centres, radii = tomogram.of("large")
        seen = (centres[:, 2] >= first * voxel) & (centres[:, 2] < end * voxel)
        found = np.array(places.get(tomogram.name, [])).reshape(-1, 3)
        right, count = len(pairs(found, centres[seen], radii[seen])), len(found) + int(seen.sum())
        score = maps[tomogram.name].astype(np.float32).ravel()
        rows.append({
            "tomogram": tomogram.name, "seconds": seconds[tomogram.name],
            "auc": auc(score, (membrane | particle).ravel()), "membrane auc": auc(score, membrane.ravel()),
            "link dice": dice(linked[tomogram.name] == MEMBRANE, membrane),
            "label dice": dice(agreed[tomogram.name] == MEMBRANE, membrane), "F1": 2 * right / count if count else None})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--collections", default="simulate,second,third")
    parser.add_argument("--snr", default="0.5")
    parser.add_argument("--seeds", default="11")
    parser.add_argument("--tomograms", type=int, default=2)
    parser.add_argument("--size", default="256,256,64")
    parser.add_argument("--slices", default="12,52")
    parser.add_argument("--mode", action="append")
    parser.add_argument("--set", default="")
    parser.add_argument("--templates", type=pathlib.Path)
    options = parser.parse_args()
    options.labelled, options.polnet = options.tomograms, None
    columns = ["seconds", "auc", "membrane auc", "link dice", "label dice", "F1"]
    print("| data | SNR | mode |" + "".join(f" {column} |" for column in columns) + "\n|---|---|---|" + "---|" * len(columns), flush=True)
    figures = []
    for collection in collections(options):
        for mode in options.mode or MODES:
            name, settings = mode.split(":", 1)
            rows = measured(options, collection, name, settings)
            means = {column: float(np.mean([row[column] for row in rows if row[column] is not None])) for column in columns}
            figures.append({"data": collection.data, "snr": collection.ratio, "mode": name, "tomograms": rows, **means})
            (options.folder / "passes.json").write_text(json.dumps(figures, indent=1) + "\n")
            print(f"| {collection.data} | {collection.ratio} | {name} | {means['seconds']:.1f} |" + "".join(
                f" {means[column]:.3f} |" for column in columns[1:]), flush=True)


if __name__ == "__main__":
    main()
