"""Real data: microtubules in patches of tomograms, by networks that learned from one patch, tested on three others.

    python microtubules.py CELLAR DATA FOLDER [--dimensions 3] [--trained 3_0_25_54_25] [--steps 1000] [--seeds 1,2,3]
        [--networks builtin,tuned,cellar,pytorch]

CELLAR is the program; DATA the folder `tests/test_data/data_loader/cnn` of SMLC-NYSBC/TARDIS, which has patches of tomograms with masks
of microtubules (96³ and 64³ voxels, 25 Å); FOLDER receives a catalog. `cellar` and `pytorch` train a U-Net of 16 channels and three levels on
the patch `trained`, in three dimensions on cubes of 32³, in two on whole slices, with the same densities, draws, loss, optimizer and schedule.
`builtin` is the network of the program as it is, whose filaments are compared, and `tuned` what becomes of it by as many steps on the patch with the
augmentation of a new catalog; voxels are nearly twice as large as what it learned from, so `scale_limit` is 2. Printed
is the Dice of every patch. Needs numpy, scikit-image, mrcfile, for `pytorch` PyTorch.
"""

import argparse
import pathlib
import re
import subprocess
import sys

import mrcfile
import numpy as np
from skimage import io

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("data", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seeds", default="1,2,3")
parser.add_argument("--dimensions", type=int, choices=[2, 3], default=3)
parser.add_argument("--trained", default="3_0_25_54_25")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--networks", default="cellar,pytorch")
options = parser.parse_args()
TRAINED, STEPS, DIMENSIONS = options.trained, options.steps, options.dimensions
WIDTH, RATE, DECAY = 16, 1e-3, 0.01
SIDE, BATCH = (96, 8) if DIMENSIONS == 2 else (32, 4)
images = {path.stem: path for path in sorted(options.data.glob("*/imgs/*.tif"))}
masks = {name: path.parent.parent / "masks" / f"{name}_mask.tif" for name, path in images.items()}


def cellar(*arguments):
    result = subprocess.run([str(options.cellar), *arguments], capture_output=True, text=True, cwd=options.folder)
    if result.returncode:
        sys.exit(f"cellar {' '.join(arguments)}: {result.stderr}{result.stdout}")
    return result.stdout


def dice(found, truth):
    return 2 * (found & truth).sum() / max(1, int(found.sum()) + int(truth.sum()))


def normalized(volume):
    low, high = np.percentile(volume, [0.5, 99.5])
    clipped = np.clip(volume.astype(np.float32), low, high)
    return ((clipped - clipped.mean()) / clipped.std()).astype(np.float32)


def drawn(random, foreground, shape):
    """Where a patch begins: seven in ten hold a voxel of foreground, moved by up to a third of the patch."""
    size = np.array([1, SIDE, SIDE] if DIMENSIONS == 2 else [SIDE] * 3)
    last = np.array(shape) - size
    if random.random() < 0.7:
        shift = np.where(size > 1, random.integers(-(SIDE // 3), SIDE // 3 + 1, 3), 0)
        return np.clip(foreground[random.integers(len(foreground))] - size // 2 + shift, 0, last), size
    return np.array([random.integers(0, end + 1) for end in last]), size


def pytorch(seed):
    import torch
    from unet import UNet, loss_of

    torch.set_num_threads(2)
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = UNet(DIMENSIONS, 2, WIDTH, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    volume, labels = normalized(io.imread(images[TRAINED])), io.imread(masks[TRAINED])
    foreground = np.argwhere(labels)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS) ** 0.9
        densities, targets = [], []
        for _ in range(BATCH):
            first, size = drawn(random, foreground, volume.shape)
            box = tuple(slice(start, start + length) for start, length in zip(first, size))
            turns, flips = random.integers(4), random.integers(2, size=2)
            for array, patches in [(volume, densities), (labels, targets)]:
                turned = np.rot90(array[box], turns, (1, 2))[:: -1 if flips[0] and DIMENSIONS == 3 else 1, :, :: -1 if flips[1] else 1]
                patches.append((turned[0] if DIMENSIONS == 2 else turned).copy())
        loss = loss_of(network(torch.tensor(np.stack(densities))[:, None]), torch.tensor(np.stack(targets)).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()

    def found(path):
        volume = torch.tensor(normalized(io.imread(path)))
        logits = network(volume[:, None]).movedim(1, 0) if DIMENSIONS == 2 else network(volume[None, None])[0]
        return (logits[1] > logits[0]).numpy()

    with torch.no_grad():
        return {name: found(path) for name, path in images.items()}


def segmented(name):
    """What was found of a class, in every patch."""
    cellar("run", "--until", "segment")
    found = {}
    for patch in images:
        said = cellar("export", "labels", patch, "--step", "segment", "--output", f"{patch}.mrc", "--force")
        label = re.search(rf"(\d+) {name}\b", said)
        with mrcfile.open(options.folder / f"{patch}.mrc") as file:
            found[patch] = file.data == int(label[1])
    return found


def ours(seed):
    cellar("recipe", "preset", "default")
    cellar("recipe", "set", f"train-membrane.seed={seed}", *COMMON, *PLAIN)
    return segmented("microtubule")


def builtin(seed):
    cellar("recipe", "preset", "default")
    cellar("recipe", "set", "segment.smallest_volume=0", "segment.network=builtin", "segment.scale_limit=2")
    return segmented("filament")


def tuned(seed):
    cellar("recipe", "preset", "default")
    cellar("recipe", "set", f"train-membrane.seed={seed}", *COMMON, "train-membrane.start=model", "segment.network=trained",
           f"train-membrane.patch.size={min(SIDE, 64)}")
    return segmented("microtubule")


options.folder.mkdir(parents=True)
cellar("init")
cellar("add", *[str(path) for path in images.values()], "--dataset", "microtubules", "--voxel-size", "25")
cellar("annotate", TRAINED, "--labels", str(masks[TRAINED]), "--class", "microtubule=1")
cellar("training", "add", "one-patch", "--annotations")
COMMON = [
    "train-membrane.classes=microtubule", "train-membrane.patch.foreground=0.7", "segment.smallest_volume=0",
    f"train-membrane.optimizer.learning_rate={RATE}", f"train-membrane.batch={BATCH}", "train-membrane.epoch.steps=20",
    f"train-membrane.epoch.count={STEPS // 20}", "train-membrane.validation.part=0", "train-membrane.epoch.patience=0"]
# The network and the training that PyTorch has: one slice, patches as they are, the last weights, nothing that was there before.
PLAIN = [
    f"train-membrane.network.width={WIDTH}", "train-membrane.network.levels=3", f"train-membrane.patch.size={SIDE}",
    f"train-membrane.network.dimensions={DIMENSIONS}", "train-membrane.network.context=0", "train-membrane.patch.augmentation=none",
    "train-membrane.optimizer.averaging=0", "train-membrane.start=random", "segment.network=trained", "segment.threshold=0.5"]
tested = [name for name in images if name != TRAINED]
print(f"| network | seed | {' | '.join(tested)} | mean | trained on |")
print("|---|---|" + "---|" * (len(tested) + 2))
means = {}
networks = {"cellar": ours, "pytorch": pytorch, "builtin": builtin, "tuned": tuned}
for what in options.networks.split(","):
    train = networks[what]
    # A network that is taken as it is has no seed.
    for seed in map(int, options.seeds.split(",")[:1 if what == "builtin" else None]):
        found = train(seed)
        values = {name: dice(found[name], io.imread(masks[name]) > 0) for name in images}
        mean = np.mean([values[name] for name in tested])
        means.setdefault(what, []).append(mean)
        print(f"| {what} | {seed} | {' | '.join(f'{values[name]:.3f}' for name in tested)} | {mean:.3f} | {values[TRAINED]:.3f} |",
              flush=True)
print("; ".join(f"{what}: mean {np.mean(values):.3f}, from {min(values):.3f} to {max(values):.3f}" for what, values in means.items()))
