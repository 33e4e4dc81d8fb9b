"""Slices to train the built-in models on: scenes of `cellar simulate`, their noise at any strength, and dead leaves.

    python slices.py CELLAR FOLDER [--seeds 1000,1048]

CELLAR is the program. Each scene is simulated with one seed without noise and with it (SNR 0.05); the difference is the noise, which
is linear in its strength, so that every ratio between can be made later. A scene without a phase plate is simulated once more with one, without
noise: what a defocused slice would show with all of its contrast. FOLDER/scene_SEED.npz keeps some slices of a scene. Seeds are
1000 to 1999 and no others: those below 1000 and from 2000 on are for measuring. Sizes, voxel sizes and optics follow from the seed.
Needs numpy 2, opencv 4, scipy, mrcfile 1.5.
"""

import argparse
import pathlib
import shutil
import subprocess

import cv2
import mrcfile
import numpy as np

SLICES, SAMPLES, LOWEST = 12, 200_000, 0.05
VOXELS = (8.0, 10.0, 13.48, 13.48, 13.48, 17.0, 21.0)
SIZES = ("512,512,48", "512,512,64", "384,384,48", "512,512,32", "256,256,64")


def simulate(cellar, folder, seed):
    """Makes the file of a scene, where there is none."""
    path = folder / f"scene_{seed}.npz"
    if path.exists():
        return
    if not 1000 <= seed < 2000:
        raise ValueError(f"{seed} is no seed to train on")
    random = np.random.default_rng(seed)
    size, voxel, plate = random.choice(SIZES), random.choice(VOXELS), random.random() < 0.5
    volumes = []
    for ratio, has_plate in ((1e6, plate), (LOWEST, plate), (1e6, True))[: 2 if plate else 3]:
        place = folder / f"simulated_{seed}"
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(
            [str(cellar), "simulate", str(place), "--tomograms", "1", "--size", size, "--seed", str(seed), "--snr", str(ratio),
             "--voxel-size", str(voxel)] + ["--phase-plate"] * has_plate, check=True, capture_output=True)
        with mrcfile.open(place / "tomo_01.mrc") as file:
            volumes.append(file.data.astype(np.float32))
    with mrcfile.open(place / "truth/tomo_01_labels.mrc") as file:
        labels = file.data.astype(np.uint8)
    shutil.rmtree(place)
    clean, noise, density = volumes[0], (volumes[1] - volumes[0]) * LOWEST**0.5, volumes[-1 if len(volumes) == 3 else 0]
    depth = len(clean)
    z = np.unique(np.linspace(0.14 * depth, 0.86 * depth, SLICES).astype(int))
    sample = random.integers(0, clean.size, SAMPLES)
    np.savez(
        path, z=z, voxel=voxel, plate=plate, clean=clean[z].astype(np.float16), noise=noise[z].astype(np.float16),
        density=density[z].astype(np.float16), labels=labels[z],
        sample=np.stack([volume.ravel()[sample] for volume in (clean, noise, density)]).astype(np.float32))


class Scene:
    def __init__(self, path):
        with np.load(path) as file:
            self.clean, self.noise, self.density, self.labels, self.sample = (
                file[n] for n in ("clean", "noise", "density", "labels", "sample"))
            self.voxel = float(file["voxel"])

    def __len__(self):
        return len(self.clean)

    def prepared(self, index, ratio):
        """A slice as the step `prepare` makes it, at a signal-to-noise ratio; None for no noise."""
        strength = 0.0 if ratio is None else ratio**-0.5
        values = self.clean[index].astype(np.float32) + strength * self.noise[index].astype(np.float32)
        return prepare(values, self.sample[0] + strength * self.sample[1])

    def target(self, index):
        """What there is to see in a slice: without noise, and as a phase plate shows it."""
        return prepare(self.density[index].astype(np.float32), self.sample[2])


def prepare(values, voxels):
    """Eight bits between the percentiles 0.5 and 99.5 of some voxels, then CLAHE with clip limit 2 and a grid of 8 × 8."""
    low, high = np.percentile(voxels, [0.5, 99.5])
    bits = np.rint(np.clip((values - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    return cv2.createCLAHE(2.0, (8, 8)).apply(bits)


def scenes(folder):
    return [Scene(path) for path in sorted(pathlib.Path(folder).glob("scene_*.npz"))]


def dead_leaves(random, side):
    """Overlapping ellipses, boxes and bands of sizes drawn from a power law: edges, interiors and textures without biology."""
    image = np.full((side, side), 0.5, np.float32)
    for _ in range(random.integers(60, 400)):
        radius = 2.0 * (1 - random.random() * (1 - (2.0 / (side / 3)) ** 1.5)) ** (-1 / 1.5)
        x, y, value, angle = *(random.random(2) * side), random.random(), random.random() * 360
        axes = (max(1, int(radius)), max(1, int(radius * random.uniform(0.3, 1))))
        kind = random.random()
        if kind < 0.5:
            cv2.ellipse(image, (int(x), int(y)), axes, angle, 0, 360, value, -1, cv2.LINE_AA)
        elif kind < 0.75:
            cv2.ellipse(image, (int(x), int(y)), (axes[0] * 4, axes[1] * 4), angle, 0, random.uniform(90, 360), value,
                        int(random.integers(1, 6)), cv2.LINE_AA)
        else:
            box = cv2.boxPoints(((x, y), (2.0 * axes[0], 2.0 * axes[1]), angle)).astype(np.int32)
            cv2.fillPoly(image, [box], value, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.5))


def leaves_of(random, side, ratio):
    clean = dead_leaves(random, side)
    clean = (clean - clean.mean()) / clean.std()
    noise = cv2.GaussianBlur(random.standard_normal(clean.shape, dtype=np.float32), (0, 0), random.uniform(0.4, 1.5))
    noisy = clean if ratio is None else clean + noise / noise.std() * ratio**-0.5
    noisy, clean = prepare(noisy, noisy), prepare(clean, clean)
    return noisy, clean, clean


def crop(random, all_scenes, side, leaves=0.2):
    """A crop of `side` pixels at the scale of a tile resized to 512: with noise, without, and as a phase plate shows it; turned and flipped alike."""
    ratio = None if random.random() < 0.05 else float(np.exp(random.uniform(np.log(0.05), np.log(1.0))))
    if random.random() < leaves or not all_scenes:
        images = leaves_of(random, 256, ratio)
    else:
        scene = all_scenes[random.integers(len(all_scenes))]
        index = random.integers(len(scene))
        images = scene.prepared(index, ratio), scene.prepared(index, None), scene.target(index)
    # The side of a tile before it is resized to 512 pixels: whole slices down to quarters of small ones.
    tile = min(len(images[0]), int(np.exp(random.uniform(np.log(110), np.log(400)))))
    part = max(8, tile * side // 512)
    y, x = random.integers(0, len(images[0]) - part + 1, 2)
    turns, flip = random.integers(4), random.integers(2)

    def cut(image):
        image = cv2.resize(image[y:y + part, x:x + part], (side, side), interpolation=cv2.INTER_LINEAR)
        return np.rot90(image, turns)[:, ::-1 if flip else 1].copy()

    return [cut(image) for image in images]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--seeds", default="1000,1048", help="first, and the one after the last")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(*map(int, options.seeds.split(","))):
        simulate(options.cellar, options.folder, seed)
