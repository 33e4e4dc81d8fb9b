"""Makes the golden files in data/picking/ that PeakFinderTests compares with.

    python make_window_golden.py

Made with Python 3.11, PyTorch, SciPy and NumPy; the versions used are written to data/picking/VERSIONS. Inputs are not
stored: `probabilities` makes the same values from integers as `PickingCase` in Swift. PyTorch computes in float64; it pads
no volume that is smaller than its window, so zeros are padded before.
"""

import csv
import pathlib
import platform

import numpy as np
import scipy
import scipy.ndimage as ndimage
import torch
import torch.nn.functional as functional

OUTPUT = pathlib.Path(__file__).parent / "data" / "picking"
# seed, depth, height, width, rounds of averaging, share of ones in 1/16
CASES = [
    (1, 1, 1, 1, 1, 16),
    (2, 1, 9, 14, 1, 5),
    (3, 7, 6, 9, 1, 4),
    (4, 12, 11, 10, 2, 3),
    (5, 3, 20, 17, 2, 6),
    (6, 16, 15, 14, 3, 5),
    (7, 20, 37, 35, 3, 3),
    (8, 24, 13, 40, 5, 6),
    (9, 9, 9, 9, 8, 8),
    (10, 6, 40, 70, 1, 16),
]


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        state = np.uint64(seed) + np.uint64(0x9E3779B97F4A7C15) * np.arange(1, count + 1, dtype=np.uint64)
        z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def ones(seed, depth, height, width, share):
    random = splitmix(seed, depth * height * width) >> np.uint64(60)
    return (random < np.uint64(share)).reshape(depth, height, width)


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, depth, height, width, rounds, share in CASES:
        pooled = torch.from_numpy(ones(seed, depth, height, width, share).astype(np.float64))[None, None]
        for _ in range(rounds):
            pooled = functional.avg_pool3d(functional.pad(pooled, [2] * 6), 5, stride=1)
        pooled[0, 0].numpy().astype("<f4").tofile(OUTPUT / f"pooled-{seed}.f4")
        if rounds > 3 and share < 16:
            # More digits than float32 has would decide between maxima.
            continue
        # Sums of integers over 125^n: rounding makes equal averages equal in every bit again.
        counts = torch.round(pooled * 125**rounds)
        maxima = (functional.max_pool3d(functional.pad(counts, [2] * 6), 5, stride=1) == counts) & (pooled > 0.1)
        plateaus, count = ndimage.label(maxima[0, 0].numpy(), structure=np.ones((3, 3, 3)))
        for label in range(1, count + 1):
            voxels = np.argwhere(plateaus == label)
            z, y, x = voxels.mean(axis=0)
            first = tuple(voxels[0])
            rows.append([seed, len(voxels), repr(float(x)), repr(float(y)), repr(float(z)), repr(float(pooled[0, 0][first]))])
    with open(OUTPUT / "maxima.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["seed", "voxels", "x", "y", "z", "value"])
        writer.writerows(rows)
    with open(OUTPUT / "VERSIONS", "w") as file:
        file.write(
            f"Python {platform.python_version()}\nPyTorch {torch.__version__}\nSciPy {scipy.__version__}\n"
            f"NumPy {np.__version__}\n"
        )


main()
