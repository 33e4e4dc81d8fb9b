"""Measures OpenCV, scikit-image and SciPy on the pixels of ImageBenchmark.swift, one thread.

    python image_python.py [SIDE] [RUNS]

Prints one line for each operation: name, library, median and best in milliseconds of processor time, and a number to
check that both sides computed the same.
"""

import sys
import time

import cv2
import numpy as np
import scipy.ndimage as ndimage
import skimage
from scipy import __version__ as scipy_version
from skimage.measure import label
from skimage.metrics import structural_similarity


def splitmix(seed, side):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, side * side + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return (z ^ (z >> np.uint64(31))).reshape(side, side)


def tomogram(side):
    z = splitmix(7, side)
    y, x = np.mgrid[:side, :side]
    grain = sum((z >> np.uint64(3 * k)) & np.uint64(7) for k in range(8)).astype(np.int64)
    disc = (x % 24 - 12) ** 2 + (y % 24 - 12) ** 2 < 25
    return (110 + grain - np.where(disc, 45, 0)).astype(np.uint8)


def measure(name, library, runs, check, body):
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        result = body()
        seconds.append(time.process_time() - start)
    seconds.sort()
    print(f"{name}, {library}: median {seconds[runs // 2] * 1e3:.2f} ms, best {seconds[0] * 1e3:.2f} ms (check {check(result)})")


side = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
runs = int(sys.argv[2]) if len(sys.argv) > 2 else 31
cv2.setNumThreads(1)
opencv, scikit, scipy = f"OpenCV {cv2.__version__}", f"scikit-image {skimage.__version__}", f"SciPy {scipy_version}"
image = tomogram(side)
noise = (splitmix(8, side) >> np.uint64(56)).astype(np.uint8)

measure("adaptive threshold, block 15", opencv, runs, lambda r: int((r > 0).sum()),
        lambda: cv2.adaptiveThreshold(image, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 15, -3))
measure("adaptive threshold, block 51", opencv, runs, lambda r: int((r > 0).sum()),
        lambda: cv2.adaptiveThreshold(image, 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 51, -3))
floats = image.astype(np.float32)
measure("Gaussian blur 5 x 5, float32", opencv, runs, lambda r: f"{r[1, 1]:.3f}", lambda: cv2.GaussianBlur(floats, (5, 5), 1.1))
a, b = ((pixels.astype(np.float32) / 255).astype(np.float64) for pixels in (image, noise))
measure("SSIM", scikit, max(runs // 4, 3), lambda r: f"{r:.12f}", lambda: structural_similarity(a, b, data_range=1))
for name, mask in [("lattice", image < 100), ("noise", noise > 127)]:
    mask = mask.astype(np.uint8)
    for connectivity in (4, 8):
        measure(f"components {connectivity}, {name}", opencv, runs, lambda r: r[0] - 1,
                lambda: cv2.connectedComponents(mask, connectivity=connectivity))
        measure(f"components {connectivity}, {name}", scikit, runs, lambda r: int(r.max()),
                lambda: label(mask, connectivity=connectivity // 4))
lattice = (image < 100).astype(np.uint8)
measure("contour count, lattice", opencv, runs, lambda r: len(r[0]),
        lambda: cv2.findContours(lattice, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE))
measure("distance transform, lattice", scipy, max(runs // 4, 3), lambda r: f"{r.sum():.1f}",
        lambda: ndimage.distance_transform_edt(1 - lattice))
disc = skimage.morphology.disk(5)
measure("dilation by a disc of radius 5, lattice", opencv, runs, lambda r: int(r.sum()), lambda: cv2.dilate(lattice, disc))
