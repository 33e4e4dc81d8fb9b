"""How good feature maps and masks are on simulated tomograms, mode by mode.

    python quality.py CELLAR FOLDER [--model DIFFUSION_MODEL_FOLDER] [--mode "NAME: key=value key=value"]...

CELLAR is the program; FOLDER receives tomograms and a catalog. Tomograms of four seeds and three signal-to-noise ratios are simulated,
three slices of each go through `features` to `mask`, and maps and masks are compared with the truth: the AUC of the map for
foreground (every class) and for membrane, the best Dice that any threshold of the map reaches for foreground, and the Dice of the mask
for foreground and for membrane (of which a mask of all structures can have but a part). `intensity` is the prepared slice, smoothed
by 2 pixels, under Otsu's threshold. Needs numpy, scipy, scikit-image, h5py, mrcfile.
"""

import argparse
import pathlib

import mrcfile
import numpy as np
from comparison import arrays, auc, dice, runner
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--model", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("--label", default="diffusion")
parser.add_argument("--mode", action="append", default=[])
parser.add_argument("--seeds", default="11,12,13,14")
options = parser.parse_args()
cellar, folder, model = options.cellar, options.folder, options.model
SEEDS = [int(seed) for seed in options.seeds.split(",")]
RATIOS, SLICES = (0.05, 0.15, 0.5), "31..<34"
run = runner(cellar, folder)


def measure(maps, masks, truth):
    rows = []
    for key, (foreground, membrane) in truth.items():
        scores = maps[key].astype(np.float64)
        levels = np.quantile(scores, np.linspace(0.3, 0.98, 35))
        rows.append((
            auc(scores.ravel(), foreground.ravel()), auc(scores.ravel(), membrane.ravel()),
            max(dice(scores > level, foreground) for level in levels),
            dice(masks[key], foreground), dice(masks[key], membrane),
        ))
    return np.array(rows)


def main():
    folder.mkdir(parents=True)
    run("init")
    run("recipe", "set", "features.mode=structure")
    truth = {}
    for seed in SEEDS:
        for ratio in RATIOS:
            name = f"s{seed}_{int(100 * ratio)}"
            run("simulate", name, "--tomograms", "1", "--size", "512,512,64", "--seed", str(seed), "--snr", str(ratio))
            run("add", f"{name}/tomo_01.mrc", "--dataset", "quality", "--name", name)
            run("slab", "add", name, "--z", SLICES)
            with mrcfile.open(folder / name / "truth/tomo_01_labels.mrc") as file:
                for z in range(31, 34):
                    labels = file.data[z]
                    truth[name, z] = (labels > 0, labels == 1)
    published = "feature-map.merge.base=diversity mask.method=adaptive mask.block=15 mask.offset=3".split()
    modes = {
        "structure": [],
        "structure, adaptive threshold, block 51": ["mask.method=adaptive"],
        "structure, published base": ["feature-map.merge.base=diversity"],
        "structure, published base and threshold": published,
    }
    if options.mode:
        modes = {name: settings.split() for name, settings in (mode.split(":") for mode in options.mode)}
    if model:
        run("model", "add", "model", str(model), "--kind", "diffusion")
        for affinity in ("attention", "tokens"):
            modes[f"{options.label}, {affinity}"] = [
                "features.mode=diffusion", "features.model=model", "features.keep=both", f"eigenvectors.affinity={affinity}"]
        modes[f"{options.label}, attention, published base and threshold"] = [
            *modes[f"{options.label}, attention"], *published]
    print("| mode | AUC foreground | AUC membrane | best Dice of a threshold | mask Dice foreground | mask Dice membrane |")
    print("|---|---|---|---|---|---|")

    def report(mode, rows):
        means, spreads = rows.mean(axis=0), rows.std(axis=0)
        print(f"| {mode} | " + " | ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spreads)) + " |", flush=True)

    defaults = (folder / ".cellar/recipe.yaml").read_text()
    for mode, settings in modes.items():
        (folder / ".cellar/recipe.yaml").write_text(defaults)
        if settings:
            run("recipe", "set", *settings)
        run("run", "--until", "mask")
        masks = {key: mask > 0 for key, mask in arrays(run, folder, "mask", "mask").items()}
        report(mode, measure(arrays(run, folder, "feature-map", "map"), masks, truth))
    smooth = {k: gaussian_filter(255.0 - v, 2) for k, v in arrays(run, folder, "prepare", "slice").items()}
    report("intensity", measure(smooth, {k: v > threshold_otsu(v) for k, v in smooth.items()}, truth))


main()
