"""Trains `builtin-cellpose`: a small network of CellPose's architecture (CPnet) that finds particles in masks of all structures.

    python train_cellpose.py data CELLAR DATA             # DATA/masks.npz, seeds 1100 to 1111
    python train_cellpose.py train DATA WORK [--steps N]  # WORK/cellpose.pt
    python train_cellpose.py export WORK FILE             # FILE.safetensors, float32

The image is a mask as the step `mask` makes them, of membranes, particles and filaments alike; the objects are the particles (ribosomes,
proteasomes, complexes, gold), so that flows lead into particles only and membranes are ground. Masks are the truth, the truth grown by a pixel so
that neighbours touch, or a threshold of the truth smoothed with noise added, which frays edges and leaves specks. Flows and loss
are those of the cellpose package. Training may be stopped at any time and goes on where it was.

Versions: cellpose 3.1.1, torch 2.13.0, safetensors 0.8, numpy 2, scipy, opencv 4, mrcfile 1.5.
"""

import argparse
import csv
import math
import os
import pathlib
import shutil
import subprocess
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import cv2
import mrcfile
import numpy as np
import torch
from safetensors.torch import save_file
from scipy import ndimage

SEEDS, VOXEL = range(1100, 1112), 13.48
PARTICLES = (2, 3, 4, 7)
WIDTHS, SIDE, BATCH = [2, 16, 32, 64, 128], 160, 8
# The step `split` shows objects of the largest particle's diameter, 260 Å, as 30 pixels.
SCALE = 30 / (260 / VOXEL)


def make_data(options):
    slices, instances = [], []
    for seed in SEEDS:
        place = options.data / f"simulated_{seed}"
        subprocess.run(
            [str(options.cellar), "simulate", str(place), "--tomograms", "1", "--size", "256,256,64", "--seed", str(seed), "--snr", "1"],
            check=True, capture_output=True)
        with mrcfile.open(place / "truth/tomo_01_labels.mrc") as file:
            labels = file.data.astype(np.uint8)
        with open(place / "truth/tomo_01_particles.csv") as file:
            rows = list(csv.DictReader(file))
        shutil.rmtree(place)
        centres = np.array([[float(row[f"{axis}_angstrom"]) for axis in "zyx"] for row in rows]).reshape(-1, 3) / VOXEL
        radii = np.array([float(row["radius_angstrom"]) for row in rows]) / VOXEL
        # Every voxel of a particle belongs to the centre that is nearest in radii.
        best = np.full(labels.shape, np.inf, np.float32)
        owner = np.zeros(labels.shape, np.int32)
        for number, (centre, radius) in enumerate(zip(centres, radii), 1):
            low = np.maximum(np.floor(centre - 1.5 * radius).astype(int), 0)
            high = np.minimum(np.ceil(centre + 1.5 * radius).astype(int) + 1, labels.shape)
            if (low >= high).any():
                continue
            box = tuple(slice(a, b) for a, b in zip(low, high))
            grid = np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high)), indexing="ij")
            distance = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre))) / radius
            nearer = distance < best[box]
            best[box][nearer] = distance[nearer]
            owner[box][nearer] = number
        owner[~np.isin(labels, PARTICLES)] = 0
        for z in range(6, 58, 2):
            slices.append(labels[z])
            instances.append(owner[z].astype(np.int32))
    np.savez_compressed(options.data / "masks.npz", labels=np.stack(slices), instances=np.stack(instances))


def degraded(random, foreground):
    """A mask of what is there, as a pipeline might make it."""
    kind = random.random()
    if kind < 0.25:
        return foreground
    if kind < 0.45:
        return ndimage.binary_dilation(foreground)
    noise = ndimage.gaussian_filter(random.standard_normal(foreground.shape), random.uniform(0.7, 1.5))
    smooth = ndimage.gaussian_filter(foreground.astype(np.float64), random.uniform(0.5, 1.4))
    return smooth + noise / noise.std() * random.uniform(0.03, 0.22) > random.uniform(0.3, 0.5)


def sample(random, labels, instances):
    """A mask `[2, SIDE, SIDE]` of which the second channel is empty, and the objects in it.

    Up to three slices are laid upon each other, so that particles are many and touch; four out of five crops have one in the middle.
    """
    foreground, objects = np.zeros(labels.shape[1:], bool), np.zeros(labels.shape[1:], np.int32)
    for layer in range(random.integers(1, 4)):
        index, turns = random.integers(len(labels)), random.integers(4)
        other, owner = np.rot90(labels[index] > 0, turns), np.rot90(instances[index], turns)
        if layer:
            # Particles only, most of the time: membranes that cross say little.
            other = other if random.random() < 0.2 else owner > 0
        free = other & ~foreground
        objects[free] = np.where(owner[free] > 0, owner[free] + 10_000 * layer, 0)
        foreground |= other
    mask = degraded(random, foreground)
    scale = SCALE * math.exp(random.uniform(-0.25, 0.25))
    turn, flip = random.uniform(0, 2 * math.pi), random.choice([-1.0, 1.0])
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    matrix = np.array([[a, -b * flip, 0], [b, a * flip, 0]])
    middle = random.uniform(60, 196, 2)
    places = np.argwhere(objects)
    if len(places) and random.random() < 0.8:
        middle = places[random.integers(len(places))][::-1].astype(float)
    matrix[:, 2] = SIDE / 2 - matrix[:, :2] @ middle
    image = cv2.warpAffine(mask.astype(np.float32), matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    objects = cv2.warpAffine(objects.astype(np.float32), matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST).astype(np.int32)
    # Where the mask has nothing there is nothing to find, and slivers are none.
    objects[image < 0.25] = 0
    counts = np.bincount(objects.ravel())
    objects[counts[objects] < 25] = 0
    return np.stack([image, np.zeros_like(image)]), np.unique(objects, return_inverse=True)[1].reshape(objects.shape)


def train(options):
    from cellpose.dynamics import labels_to_flows
    from cellpose.resnet_torch import CPnet
    from cellpose.train import _loss_fn_seg as loss_of

    torch.manual_seed(11)
    network = CPnet(list(WIDTHS), 3, 3)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-5)
    path, step, losses = options.work / "cellpose.pt", 0, []
    if path.exists():
        state = torch.load(path, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        step, losses = state["step"], state["losses"]
    with np.load(options.data / "masks.npz") as file:
        labels, instances = file["labels"], file["instances"]
    start, ran = time.monotonic(), []
    while step < options.steps:
        random = np.random.default_rng([11, step])
        pairs = [sample(random, labels, instances) for _ in range(BATCH)]
        flows = labels_to_flows([objects for _, objects in pairs], device=torch.device("cpu"))
        # Labels, objects or ground, flow along y and x.
        targets = np.stack([f[1:] for f in flows])
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1, (step + 1) / 30) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / options.steps)))
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            found = network(torch.from_numpy(np.stack([image for image, _ in pairs])))[0]
        loss = loss_of(targets, found.float(), torch.device("cpu"))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        ran.append(loss.item())
        if step % 20 == 0:
            losses.append([step, float(np.mean(ran))])
            print(f"cellpose {step} loss {losses[-1][1]:.4f} {time.monotonic() - start:.0f} s", flush=True)
            ran = []
        if step % 100 == 0 or step == options.steps:
            torch.save(dict(network=network.state_dict(), optimizer=optimizer.state_dict(), step=step, losses=losses), path)


def export(options):
    state = torch.load(options.data / "cellpose.pt", weights_only=True)["network"]
    kept = {name: tensor.float().contiguous() for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    options.work.parent.mkdir(parents=True, exist_ok=True)
    save_file(kept, options.work, metadata={"format": "pt"})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["data", "train", "export"])
    parser.add_argument("paths", type=lambda path: pathlib.Path(path).resolve(), nargs=2)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.part == "data":
        options.cellar, options.data = options.paths
        options.data.mkdir(parents=True, exist_ok=True)
        make_data(options)
    else:
        options.data, options.work = options.paths
        if options.part == "train":
            options.work.mkdir(parents=True, exist_ok=True)
            train(options)
        else:
            export(options)
