"""How telling the eigenvectors of a diffusion model are, through the program itself, on what it was not trained on.

    python measure_features.py CELLAR FOLDER MODEL [--label NAME] [--random MODEL] [--real DATA]
        [--seeds 2001,2002,2003,2004] [--ratios 0.1,0.3,0.8]

CELLAR is the program, MODEL a folder of a diffusion model, the random one the same architecture untrained (`train_diffusion.py export
--random`); FOLDER receives catalogs; where it has them, only the model is measured, on the same slices. Three looks:

  simulate   `cellar simulate`, 512 × 512 × 64, odd seeds with a phase plate; slice 32. Seeds that nothing was trained on: not 1000-1999.
  second     the simulator of second_simulator.py, other physics and other shapes, on which nothing was trained either.
  real       with --real, patches of tomograms with masks of microtubules (`tests/test_data/data_loader/cnn` of SMLC-NYSBC/TARDIS).

A tile's score is the AUC of that of its 20 eigenvectors which is best, oriented as the pipeline does it (bright where the slice is dark),
for foreground (every class) and for membrane; the mean and standard deviation over tiles is printed. The best one is picked with
the truth: a measure of what the features hold, not of a mask. `intensity` is the prepared tile smoothed by 1 or 2 pixels. Tiles where
a class has fewer than 100 pixels are left out. Needs numpy, opencv, scipy, scikit-image, h5py, mrcfile.
"""

import argparse
import pathlib
import sys

import cv2
import mrcfile
import numpy as np
from scipy.ndimage import gaussian_filter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import second_simulator
from comparison import arrays, auc, runner

FEWEST = 100


def best(maps, tile, truth):
    """The AUC of the best of some maps for a mask, each bright where the tile is dark."""
    scores = []
    for values in maps:
        dense = 255.0 - cv2.resize(tile, values.shape[::-1], interpolation=cv2.INTER_AREA)
        if not values.any():
            continue
        sign = -1 if np.corrcoef(values.ravel(), dense.ravel())[0, 1] < 0 else 1
        large = cv2.resize(sign * values.astype(np.float32), truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        scores.append(auc(large.ravel(), truth.ravel()))
    return max(scores, default=0.5)


class Look:
    """A catalog of tomograms whose truth is known, and what each mode makes of them."""

    def __init__(self, options, name, settings):
        self.folder = options.folder / name
        self.is_first = not self.folder.exists()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.run = runner(options.cellar, self.folder)
        self.models = {options.label: options.model}
        if self.is_first:
            self.run("init")
            self.models |= {"random": options.random} if options.random else {}
            if settings:
                self.run("recipe", "set", *settings)
        for model, path in self.models.items():
            self.run("model", "add", model, str(path), "--kind", "diffusion")
        self.name, self.truth = name, {}

    def add(self, path, name, labels, extra=()):
        """A tomogram, and its labels by slice."""
        if self.is_first:
            self.run("add", str(path), "--dataset", "look", "--name", name, *extra)
        for z, values in labels.items():
            if self.is_first:
                self.run("slab", "add", name, "--z", f"{z}..<{z + 1}")
            self.truth[name, z] = values

    def measure(self):
        modes = {"structure": ["features.mode=structure", "eigenvectors.affinity=auto"]} if self.is_first else {}
        for model in self.models:
            for affinity in ("attention", "tokens"):
                modes[f"{model}, {affinity}"] = [
                    "features.mode=diffusion", f"features.model={model}", "features.keep=both", f"eigenvectors.affinity={affinity}"]
        for mode, settings in modes.items():
            self.run("recipe", "set", *settings)
            self.run("run", "--until", "eigenvectors")
            self.report(mode, arrays(self.run, self.folder, "eigenvectors", "vectors"))
        for sigma in (1, 2) if self.is_first else ():
            self.report(f"intensity, σ {sigma}", None, sigma)

    def report(self, mode, vectors, sigma=None):
        slices = arrays(self.run, self.folder, "prepare", "slice")
        regions = arrays(self.run, self.folder, "prepare", "regions")
        rows = []
        for key, labels in self.truth.items():
            for index, (y, x, height, width) in enumerate(regions[key].reshape(-1, 4)):
                tile, part = (a[y:y + height, x:x + width] for a in (slices[key], labels))
                maps = vectors[key][index] if sigma is None else [gaussian_filter(255.0 - tile, sigma)]
                masks = (part > 0, part == 1)
                rows.append([best(maps, tile, mask) if mask.sum() >= FEWEST else np.nan for mask in masks])
        rows = np.array(rows)
        cells = [
            f"{np.nanmean(column):.3f} ± {np.nanstd(column):.3f} ({np.isfinite(column).sum()})" if np.isfinite(column).any() else "–"
            for column in rows.T]
        print(f"| {self.name} | {mode} | {cells[0]} | {cells[1]} |", flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
absolute = lambda path: pathlib.Path(path).resolve()
parser.add_argument("cellar", type=absolute)
parser.add_argument("folder", type=absolute)
parser.add_argument("model", type=absolute)
parser.add_argument("--label", default="builtin", help="what the model is called; another one may be measured in the same FOLDER later")
parser.add_argument("--random", type=absolute)
parser.add_argument("--real", type=absolute)
parser.add_argument("--seeds", default="2001,2002,2003,2004")
parser.add_argument("--ratios", default="0.1,0.3,0.8")
options = parser.parse_args()
seeds, ratios = options.seeds.split(","), options.ratios.split(",")
if any(1000 <= int(seed) < 2000 for seed in seeds):
    sys.exit("seeds 1000 to 1999 are those that models were trained on; measure on others")
print("| look | features | AUC foreground (tiles) | AUC membrane (tiles) |\n|---|---|---|---|")
look = Look(options, "simulate", [])
for seed in seeds:
    for ratio in ratios:
        name = f"s{seed}_{ratio}"
        plate = ["--phase-plate"] if int(seed) % 2 else []
        if look.is_first:
            look.run("simulate", name, "--tomograms", "1", "--size", "512,512,64", "--seed", seed, "--snr", ratio, *plate)
        with mrcfile.open(look.folder / name / "truth/tomo_01_labels.mrc") as file:
            look.add(f"{name}/tomo_01.mrc", name, {32: file.data[32]})
look.measure()
look = Look(options, "second", [])
for seed in seeds:
    for ratio in ratios:
        name = second_simulator.write(look.folder, int(seed), float(ratio)) if look.is_first else f"second_{seed}_{float(ratio)}"
        look.add(f"{name}.mrc", name, {1: np.load(look.folder / f"truth/{name}_labels.npy")})
look.measure()
if options.real:
    from skimage import io

    # Patches of 96 and 64 voxels: one tile each. Microtubules are dark in all of the slices that show most of them.
    look = Look(options, "real", ["prepare.tiles.count=1"])
    for path in sorted(options.real.glob("*/imgs/*.tif")):
        mask = io.imread(path.parent.parent / "masks" / f"{path.stem}_mask.tif") > 0
        most = np.argsort(-mask.sum((1, 2)))[:3]
        look.add(path, f"p{path.stem}", {int(z): 6 * mask[z].astype(np.uint8) for z in sorted(most)}, ["--voxel-size", "25"])
    look.measure()
