"""Real data: Cellar's U-Net and the same one in PyTorch, trained on one patch of a tomogram, tested on three others.

    python microtubules.py CELLAR DATA FOLDER [--seeds 1,2,3]

CELLAR is the program; DATA the folder `tests/test_data/data_loader/cnn` of SMLC-NYSBC/TARDIS, which has patches of tomograms with masks
of microtubules (96³ and 64³ voxels, 25 Å); FOLDER receives a catalog. Both train the two-dimensional U-Net of 16 channels and three
levels on the slices of train/3_0_25_54_25 for 400 steps of eight, with the same densities, draws, loss, optimizer and schedule. Printed is the Dice
of every other patch; in 0_0_30_47_25 microtubules are bright, in all others dark. Needs numpy, scikit-image, mrcfile, PyTorch.
"""

import argparse
import pathlib
import subprocess
import sys

import mrcfile
import numpy as np
import torch
from skimage import io
from unet import UNet, loss_of

parser = argparse.ArgumentParser()
parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("data", type=lambda path: pathlib.Path(path).resolve())
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--seeds", default="1,2,3")
options = parser.parse_args()
TRAINED, WIDTH, STEPS, BATCH, RATE, DECAY = "3_0_25_54_25", 16, 400, 8, 1e-3, 0.01
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


def pytorch(seed):
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = UNet(2, 2, WIDTH, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    volume, labels = normalized(io.imread(images[TRAINED])), io.imread(masks[TRAINED])
    foreground = np.argwhere(labels)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / STEPS) ** 0.9
        densities, targets = [], []
        for _ in range(BATCH):
            z = foreground[random.integers(len(foreground))][0] if random.random() < 0.7 else random.integers(len(volume))
            turns, flip = random.integers(4), random.integers(2)
            turned = [np.rot90(a[z], turns)[:, :: -1 if flip else 1] for a in (volume, labels)]
            densities.append(turned[0].copy())
            targets.append(turned[1].copy())
        loss = loss_of(network(torch.tensor(np.stack(densities))[:, None]), torch.tensor(np.stack(targets)).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        return {
            name: (network(torch.tensor(normalized(io.imread(path)))[:, None]).softmax(1)[:, 1] > 0.5).numpy()
            for name, path in images.items()}


def ours(seed):
    cellar("recipe", "set", f"train-membrane.seed={seed}")
    cellar("run", "--until", "segment")
    found = {}
    for name in images:
        cellar("export", "labels", name, "--step", "segment", "--output", f"{name}.mrc")
        with mrcfile.open(options.folder / f"{name}.mrc") as file:
            found[name] = file.data == 1
    return found


options.folder.mkdir(parents=True)
cellar("init")
cellar("add", *[str(path) for path in images.values()], "--dataset", "microtubules", "--voxel-size", "25")
cellar("annotate", TRAINED, "--labels", str(masks[TRAINED]), "--class", "microtubule=1")
cellar("training", "add", "one-patch", "--annotations")
cellar("recipe", "set", "train-membrane.classes=microtubule",
       f"train-membrane.network.width={WIDTH}", "train-membrane.network.levels=3", "train-membrane.patch.size=96",
       f"train-membrane.optimizer.learning_rate={RATE}", f"train-membrane.batch={BATCH}", "train-membrane.epoch.steps=20",
       f"train-membrane.epoch.count={STEPS // 20}", "train-membrane.validation.part=0", "train-membrane.epoch.patience=0")
torch.set_num_threads(2)
tested = [name for name in images if name != TRAINED]
print(f"| network | seed | {' | '.join(tested)} | mean | trained on |")
print("|---|---|" + "---|" * (len(tested) + 2))
means = {}
for what, train in [("Cellar", ours), (f"PyTorch {torch.__version__}", pytorch)]:
    for seed in map(int, options.seeds.split(",")):
        found = train(seed)
        values = {name: dice(found[name], io.imread(masks[name]) > 0) for name in images}
        mean = np.mean([values[name] for name in tested])
        means.setdefault(what, []).append(mean)
        print(f"| {what} | {seed} | {' | '.join(f'{values[name]:.3f}' for name in tested)} | {mean:.3f} | {values[TRAINED]:.3f} |",
              flush=True)
print("; ".join(f"{what}: mean {np.mean(values):.3f}, from {min(values):.3f} to {max(values):.3f}" for what, values in means.items()))
