"""Makes the golden files in data/instances/ that ImageProcessingTests compares with.

    python make_instances_golden.py

Watershed labels and properties of regions by scikit-image; the versions used are written to data/instances/VERSIONS. Inputs are
not stored: they are made from integers, as `FloodCase` does in Swift.
"""

import csv
import itertools
import platform

import numpy as np
import scipy
import skimage
from skimage.measure import regionprops
from skimage.segmentation import watershed

from make_golden import DATA, KINDS, digest, real, splitmix, synthetic
from make_operations_golden import mask

OUTPUT = DATA / "instances"
IMAGES = [*KINDS, "real", "levels", "ties"]
MASKS = ["full", "dense", "rings", "mesh", "empty"]
SIZES = [(1, 1), (1, 17), (23, 1), (2, 2), (16, 16), (33, 65), (64, 48)]


def landscape(kind, height, width, seed):
    if kind == "real":
        return real(height, width, seed)
    noise = synthetic("noise", height, width, seed).astype(np.float32)
    if kind == "levels":
        return np.floor(noise / 64) - 2
    if kind == "ties":
        return np.zeros((height, width), np.float32)
    return synthetic(kind, height, width, seed).astype(np.float32)


def markers(scheme, height, width, seed):
    """One pixel in sixteen: each a label of its own, or one of three labels."""
    words = splitmix(seed + 50_000, height * width).reshape(height, width)
    chosen = words >> np.uint64(60) == 0
    labels = np.cumsum(chosen).reshape(height, width)
    if scheme == "three":
        labels = labels % 3 + 1
    return np.where(chosen, labels, 0).astype(np.int32)


def table(name, header, rows):
    with open(OUTPUT / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def floods():
    rows, kept = [], []
    cases = itertools.product(IMAGES, MASKS, ["each", "three"], [4, 8])
    for i, (kind, mask_kind, scheme, connectivity) in enumerate(cases):
        height, width = SIZES[i % len(SIZES)]
        seed = 20_000 + i
        image = landscape(kind, height, width, seed)
        labels = watershed(
            image.astype(np.float64), markers(scheme, height, width, seed), mask=mask(mask_kind, height, width, seed),
            connectivity=connectivity // 4)
        row = [kind, mask_kind, scheme, connectivity, height, width, seed]
        rows.append([*row, digest(labels.astype("<i4"))])
        if i % 16 == 5 and labels.max() > 0:
            kept.append((row, labels))
    table("watershed", ["image", "mask", "markers", "connectivity", "height", "width", "seed", "labels"], rows)
    return kept


def shapes(kept):
    """Of the regions of some of those labels, which touch each other and the border."""
    rows = []
    for row, labels in kept:
        for region in regionprops(labels):
            moments = region.moments_central / region.area
            y, x = region.centroid
            rows.append([
                *row, region.label, int(region.area), *region.bbox,
                *(repr(float(value)) for value in (
                    x, y, moments[0, 2], moments[2, 0], moments[1, 1], region.perimeter, region.equivalent_diameter_area,
                    region.axis_major_length, region.axis_minor_length, region.eccentricity))])
    table("shapes", ["image", "mask", "markers", "connectivity", "height", "width", "seed", "label", "area", "y0", "x0", "y1",
                     "x1", "x", "y", "variance_x", "variance_y", "covariance", "perimeter", "equivalent_diameter", "major", "minor",
                     "eccentricity"], rows)
    print(len(rows), "regions")


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    shapes(floods())
    (OUTPUT / "VERSIONS").write_text(
        f"python {platform.python_version()}\nnumpy {np.__version__}\nscikit-image {skimage.__version__}\n"
        f"scipy {scipy.__version__}\nmachine {platform.machine()}\n")
