"""Makes the golden files in data/ that ImageProcessingTests compares with.

    python make_golden.py            # writes data/

Made with Python 3.11, numpy 2.2, opencv-python-headless 4.12.0.88 (x86-64); the versions used are written to
data/VERSIONS. Inputs are not stored: `synthetic` below and `SyntheticImage` in Swift make the same pixels from integers.
"""

import csv
import hashlib
import itertools
import pathlib
import platform

import cv2
import numpy as np

DATA = pathlib.Path(__file__).parent / "data"
KINDS = ["noise", "gradient", "constant", "two-valued", "tomogram"]


def splitmix(seed, count):
    """The first `count` values of SplitMix64: SeededGenerator in Tests/TestSupport."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def synthetic(kind, height, width, seed):
    """An 8-bit image made from integers alone."""
    random = splitmix(seed, height * width).reshape(height, width)
    y, x = np.mgrid[:height, :width]
    if kind == "noise":
        return (random >> np.uint64(56)).astype(np.uint8)
    if kind == "gradient":
        return ((255 * x // width + 255 * y // height) // 2).astype(np.uint8)
    if kind == "constant":
        return np.full((height, width), seed % 256, np.uint8)
    if kind == "two-valued":
        return np.where(random >> np.uint64(63) == 1, 200, 40).astype(np.uint8)
    # Grey grain (a sum of eight values of three bits), and a lattice of dark discs.
    grain = sum((random >> np.uint64(3 * k)) & np.uint64(7) for k in range(8)).astype(np.int64)
    disc = (x % 24 - 12) ** 2 + (y % 24 - 12) ** 2 < 25
    return (110 + grain - np.where(disc, 45, 0)).astype(np.uint8)


def real(height, width, seed):
    """A float32 image: multiples of 1/1024 in -8 ..< 8, exact in float32."""
    random = splitmix(seed, height * width).reshape(height, width)
    return ((random >> np.uint64(50)).astype(np.float32) - 8192) / 1024


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def clahe():
    sizes = [(1, 1), (1, 7), (5, 1), (2, 3), (8, 8), (16, 16), (17, 16), (16, 17), (31, 45), (64, 64), (63, 65), (40, 200),
             (200, 40), (97, 131), (128, 128), (151, 149), (232, 232), (100, 257)]
    grids = [(8, 8), (1, 1), (2, 2), (3, 5), (16, 16), (1, 7), (9, 2), (4, 4), (16, 1), (5, 5), (11, 13)]
    clips = [2.0, 0.0, 0.5, 1.0, 3.7, 40.0]
    with open(DATA / "clahe.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["kind", "height", "width", "seed", "clip_limit", "rows", "columns", "sha256"])
        # Steps that are coprime to the lengths: 120 configurations in which every value of every list occurs often.
        for i in range(120):
            kind = KINDS[i % len(KINDS)]
            height, width = sizes[(7 * i + i // 18) % len(sizes)]
            grid_rows, grid_columns = grids[(3 * i) % len(grids)]
            clip = clips[(i + i // 6) % len(clips)]
            image = synthetic(kind, height, width, 1000 + i)
            result = cv2.createCLAHE(clip, (grid_columns, grid_rows)).apply(image)
            rows.writerow([kind, height, width, 1000 + i, clip, grid_rows, grid_columns, digest(result)])
    # Whole images, so that a difference can be located.
    for name, (height, width), (grid_rows, grid_columns), clip in [
        ("clahe-96x96-8x8-2.0", (96, 96), (8, 8), 2.0), ("clahe-61x83-3x5-3.7", (61, 83), (3, 5), 3.7)
    ]:
        image = synthetic("tomogram", height, width, 7)
        cv2.createCLAHE(clip, (grid_columns, grid_rows)).apply(image).tofile(DATA / f"{name}.u8")


def resize():
    sizes = [(1, 1), (1, 5), (3, 2), (7, 7), (8, 8), (16, 12), (29, 31), (58, 58), (64, 64), (33, 100)]
    with open(DATA / "resize.csv", "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["from_height", "from_width", "to_height", "to_width", "seed", "sha256_uint8"])
        for i, (old, new) in enumerate(itertools.product(sizes, sizes)):
            image = synthetic("noise", *old, 2000 + i)
            result = cv2.resize(image, new[::-1], interpolation=cv2.INTER_LINEAR)
            rows.writerow([*old, *new, 2000 + i, digest(result)])
    for i, (old, new) in enumerate([((29, 29), (32, 32)), ((13, 21), (40, 30)), ((40, 30), (13, 21)), ((32, 24), (16, 12))]):
        result = cv2.resize(real(*old, 3000 + i), new[::-1], interpolation=cv2.INTER_LINEAR)
        result.astype("<f4").tofile(DATA / f"resize-{old[0]}x{old[1]}-{new[0]}x{new[1]}.f4")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    DATA.mkdir(exist_ok=True)
    clahe()
    resize()
    (DATA / "VERSIONS").write_text(
        f"python {platform.python_version()}\nnumpy {np.__version__}\nopencv {cv2.__version__}\nmachine {platform.machine()}\n")
