"""A second, small simulator with other physics than `cellar simulate`, to measure on; nothing is trained on it.

    python second_simulator.py FOLDER [--seeds 101,102] [--ratios 0.1,0.3,0.8] [--size 256,256,64]

Two dimensions, no crowd, no wedge: closed curves of random Fourier shape as membranes (two sharp lines, or one thick one), solid discs
and rings as particles, thin straight rods, on a ground with a slow gradient; a Gaussian low-pass instead of an envelope, a single
sine as contrast transfer or none; noise of 1/f amplitude plus Poisson-like noise that grows with density. FOLDER receives, for
each seed and ratio, an MRC file of three alike slices (the noise differs) and `truth/NAME_labels.npy` (1 membrane, 2 particle,
5 rod), pixels of 10 Å. With --size (x, y, z), volumes instead of slices: the curves stand upright and sway, the particles are balls, full and
hollow, the rods lie flat, every slice has the same optics and noise of its own; truth is then what `cellar simulate` gives,
`truth/NAME_labels.mrc` and `truth/NAME_particles.csv`. Needs numpy 2, scipy, opencv 4, mrcfile.
"""

import argparse
import csv
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


def curtain(random, size):
    """A membrane that stands upright: for each slice its curve, its normals; its strength, and whether it is two lines."""
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    centre, radius = random.random(2) * size[:2], np.exp(random.uniform(np.log(18), np.log(0.3 * min(size[:2]))))
    shape = radius * (1 + sum(random.normal(0, 0.12 / k) * np.cos(k * angle + random.uniform(0, 6.3)) for k in range(2, 6)))
    sway, wide, phases = random.normal(0, 6, 2), random.uniform(0, 0.15), random.uniform(0, 6.3, 3)
    turns = 2 * np.pi * random.uniform(0.5, 1.2) / size[2]
    slices = []
    for z in range(size[2]):
        middle = centre + sway * np.sin(turns * z + phases[:2])
        points = middle + (1 + wide * np.sin(turns * z + phases[2])) * np.stack([shape * np.cos(angle), shape * np.sin(angle)], 1)
        slices.append((points, (points - middle) / np.linalg.norm(points - middle, axis=1, keepdims=True)))
    return slices, random.uniform(0.7, 1.2), random.random() < 0.6


def volume(random, size):
    """Density and labels `[z][y][x]` of a volume of x, y, z voxels, and a list of balls: x, y, z, radius, class."""
    width, height, depth = size
    density, labels = np.zeros((depth, height, width), np.float32), np.zeros((depth, height, width), np.uint8)
    part = width * height / SIDE**2
    for _ in range(random.integers(max(1, round(4 * part)), max(2, round(10 * part)) + 1)):
        slices, strength, is_double = curtain(random, size)
        for z, (points, normals) in enumerate(slices):
            thick, lines = np.zeros((height, width), np.uint8), np.zeros((height, width), np.float32)
            polyline(thick, points, 255, 5)
            for shift in (-1.8, 1.8) if is_double else (0,):
                polyline(lines, points + shift * normals, 1.0 if is_double else 0.8, 1 if is_double else 4)
            density[z] = np.maximum(density[z], lines * strength)
            labels[z][thick > 127] = 1
    z, y, x = np.ogrid[:depth, :height, :width]
    balls = []
    # As many as cut a slice of a plane scene, times the slices, over the slices that one takes.
    for _ in range(round(random.integers(20, 90) * part * depth / 13)):
        radius = random.uniform(5, 12)
        centre = random.random(3) * (np.array(size) - 1)
        low, high = np.maximum(np.floor(centre - radius - 1), 0).astype(int), np.ceil(centre + radius + 2).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low[::-1], high[::-1]))
        distance = np.sqrt((z[box[0]] - centre[2]) ** 2 + (y[:, box[1]] - centre[1]) ** 2 + (x[:, :, box[2]] - centre[0]) ** 2)
        body = distance <= radius
        if (labels[box][body] > 0).any():
            continue
        value, is_hollow = np.clip(radius + 0.5 - distance, 0, 1), random.random() < 0.3
        if is_hollow:
            value -= 0.8 * np.clip(0.4 * radius + 0.5 - distance, 0, 1)
        density[box] = np.maximum(density[box], value * random.uniform(0.6, 1.2))
        labels[box][body] = 2
        balls.append((*centre, radius, "hollow" if is_hollow else "full"))
    for _ in range(random.integers(0, 6)):
        ends, middle = random.random((2, 2)) * size[:2], random.integers(2, depth - 2)
        for slice_, wide in zip(range(middle - 2, middle + 2), (2, 4, 4, 2)):
            rod = np.zeros((height, width), np.uint8)
            cv2.line(rod, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 255, wide, cv2.LINE_AA)
            density[slice_] = np.maximum(density[slice_], rod.astype(np.float32) / 255 * 0.7)
            labels[slice_][(rod > 127) & (labels[slice_] == 0)] = 5
    return density, labels, balls


def image(density, random, ratio):
    """Imaged: filtered, on uneven ground, with noise; dense is dark."""
    ky, kx = np.meshgrid(np.fft.fftfreq(density.shape[0]), np.fft.rfftfreq(density.shape[1]), indexing="ij")
    k = np.hypot(ky, kx)
    transfer = np.exp(-((k / random.uniform(0.12, 0.25)) ** 2) / 2)
    if random.random() < 0.5:
        transfer = transfer * np.sin(np.pi * (0.35 + (k / random.uniform(0.18, 0.3)) ** 2))
    filtered = lambda values, kernel: np.fft.irfft2(np.fft.rfft2(values) * kernel, s=values.shape)
    signal = filtered(density, transfer)
    signal = (signal - signal.mean()) / signal.std()
    pink = filtered(random.standard_normal(signal.shape), (1 / np.sqrt(k + 0.02)) * np.exp(-((k / 0.4) ** 2)))
    noise = pink / pink.std() + 0.5 * random.standard_normal(signal.shape) * np.sqrt(1 + np.clip(signal, 0, 4))
    y, x = np.mgrid[:density.shape[0], :density.shape[1]] / np.reshape(density.shape, (2, 1, 1)) - 0.5
    ground = random.normal(0, 0.8) * x + random.normal(0, 0.8) * y + random.normal(0, 0.8) * x * y
    return (ground - signal + noise / noise.std() * ratio**-0.5).astype(np.float32)


def imaged(slices, seed, ratio):
    """Slices with the same optics and other noise."""
    return np.stack([
        image(density, _Mixed(np.random.default_rng([78, seed]), np.random.default_rng([79, seed, number])), ratio)
        for number, density in enumerate(slices)])


def write(folder, seed, ratio):
    density, labels = scene(np.random.default_rng([77, seed]))
    name = f"second_{seed}_{ratio}"
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    save(folder / f"{name}.mrc", imaged([density] * 3, seed, ratio))
    np.save(folder / f"truth/{name}_labels.npy", labels)
    return name


def write_volume(folder, seed, ratio, size):
    density, labels, balls = volume(np.random.default_rng([80, seed]), size)
    name = f"second_{seed}_{ratio}"
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    save(folder / f"{name}.mrc", imaged(density, seed, ratio))
    save(folder / f"truth/{name}_labels.mrc", labels)
    with open(folder / f"truth/{name}_particles.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["x_angstrom", "y_angstrom", "z_angstrom", "class", "radius_angstrom"])
        table.writerows([*(f"{10 * value:.2f}" for value in (x, y, z)), name_, f"{10 * radius:.1f}"] for x, y, z, radius, name_ in balls)
    return name


def save(path, values):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values)
        file.voxel_size = 10.0


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
    parser.add_argument("--size", help="x,y,z in voxels")
    options = parser.parse_args()
    for seed in map(int, options.seeds.split(",")):
        for ratio in map(float, options.ratios.split(",")):
            print(write_volume(options.folder, seed, ratio, tuple(map(int, options.size.split(",")))) if options.size else write(
                options.folder, seed, ratio))
