"""A second, small simulator with other physics than `cellar simulate`, to measure on; nothing is trained on it.

    python second_simulator.py FOLDER [--seeds 101,102] [--ratios 0.1,0.3,0.8]

Two dimensions, no crowd, no wedge: closed curves of random Fourier shape as membranes (two sharp lines, or one thick one), solid discs
and rings as particles, thin straight rods, on a ground with a slow gradient; a Gaussian low-pass instead of an envelope, a single
sine as contrast transfer or none; noise of 1/f amplitude plus Poisson-like noise that grows with density. FOLDER receives, for
each seed and ratio, an MRC file of three alike slices (the noise differs) and `truth/NAME_labels.npy` (1 membrane, 2 particle,
5 rod), pixels of 10 Å. Needs numpy 2, scipy, opencv 4, mrcfile.
"""

import argparse
import pathlib

import cv2
import mrcfile
import numpy as np

SIDE, SUB = 512, 8


def polyline(image, points, value, width):
    fixed = np.rint(points * SUB).astype(np.int32).reshape(-1, 1, 2)
    cv2.polylines(image, [fixed], True, float(value), int(width), cv2.LINE_AA, shift=3)


def scene(random):
    """Density (dense is positive) and labels, `[512, 512]`."""
    density = np.zeros((SIDE, SIDE), np.float32)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    for _ in range(random.integers(4, 10)):
        centre, radius = random.random(2) * SIDE, np.exp(random.uniform(np.log(18), np.log(130)))
        shape = radius * (1 + sum(
            random.normal(0, 0.12 / k) * np.cos(k * angle + random.uniform(0, 6.3)) for k in range(2, 6)))
        points = centre + np.stack([shape * np.cos(angle), shape * np.sin(angle)], 1)
        thick = np.zeros_like(labels)
        polyline(thick, points, 255, 5)
        lines = np.zeros_like(density)
        if random.random() < 0.6:
            normal = (points - centre) / np.linalg.norm(points - centre, axis=1, keepdims=True)
            for side in (-1.8, 1.8):
                polyline(lines, points + side * normal, 1.0, 1)
        else:
            polyline(lines, points, 0.8, 4)
        density = np.maximum(density, lines * random.uniform(0.7, 1.2))
        labels[thick > 127] = 1
    for _ in range(random.integers(20, 90)):
        x, y = random.random(2) * (SIDE - 40) + 20
        radius = random.uniform(5, 12)
        body = np.zeros_like(labels)
        cv2.circle(body, (int(x * SUB), int(y * SUB)), int(radius * SUB), 255, -1, cv2.LINE_AA, shift=3)
        if (labels[body > 127] > 0).any():
            continue
        value = body.astype(np.float32) / 255
        if random.random() < 0.3:
            hole = np.zeros_like(labels)
            cv2.circle(hole, (int(x * SUB), int(y * SUB)), int(0.4 * radius * SUB), 255, -1, cv2.LINE_AA, shift=3)
            value -= 0.8 * hole.astype(np.float32) / 255
        density = np.maximum(density, value * random.uniform(0.6, 1.2))
        labels[body > 127] = 2
    for _ in range(random.integers(0, 6)):
        ends = random.random((2, 2)) * SIDE
        rod = np.zeros_like(labels)
        cv2.line(rod, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, 4, cv2.LINE_AA)
        density = np.maximum(density, rod.astype(np.float32) / 255 * 0.7)
        labels[(rod > 127) & (labels == 0)] = 5
    return density, labels


def image(density, random, ratio):
    """Imaged: filtered, on uneven ground, with noise; dense is dark."""
    ky, kx = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    k = np.hypot(ky, kx)
    transfer = np.exp(-((k / random.uniform(0.12, 0.25)) ** 2) / 2)
    if random.random() < 0.5:
        transfer = transfer * np.sin(np.pi * (0.35 + (k / random.uniform(0.18, 0.3)) ** 2))
    filtered = lambda values, kernel: np.fft.irfft2(np.fft.rfft2(values) * kernel, s=values.shape)
    signal = filtered(density, transfer)
    signal = (signal - signal.mean()) / signal.std()
    pink = filtered(random.standard_normal(signal.shape), (1 / np.sqrt(k + 0.02)) * np.exp(-((k / 0.4) ** 2)))
    noise = pink / pink.std() + 0.5 * random.standard_normal(signal.shape) * np.sqrt(1 + np.clip(signal, 0, 4))
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    ground = random.normal(0, 0.8) * x + random.normal(0, 0.8) * y + random.normal(0, 0.8) * x * y
    return (ground - signal + noise / noise.std() * ratio**-0.5).astype(np.float32)


def write(folder, seed, ratio):
    random = np.random.default_rng([77, seed])
    density, labels = scene(random)
    slices = []
    for extra in range(3):
        # The same optics, other noise.
        optics = np.random.default_rng([78, seed])
        slices.append(image(density, _Mixed(optics, np.random.default_rng([79, seed, extra])), ratio))
    name = f"second_{seed}_{ratio}"
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    with mrcfile.new(folder / f"{name}.mrc", overwrite=True) as file:
        file.set_data(np.stack(slices))
        file.voxel_size = 10.0
    np.save(folder / f"truth/{name}_labels.npy", labels)
    return name


class _Mixed:
    """Numbers of optics from one generator and of noise from another."""

    def __init__(self, optics, noise):
        self.random, self.uniform, self.normal = optics.random, optics.uniform, optics.normal
        self.standard_normal = noise.standard_normal


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", default="101,102,103,104")
    parser.add_argument("--ratios", default="0.1,0.3,0.8")
    options = parser.parse_args()
    for seed in map(int, options.seeds.split(",")):
        for ratio in map(float, options.ratios.split(",")):
            print(write(options.folder, seed, ratio))
