"""Makes the golden files in data/operations/ that ImageProcessingTests compares with.

    python make_operations_golden.py

Made with Python 3.11 and opencv-python-headless, scikit-image, SciPy, NumPy and PyTorch; the versions used are written to
data/operations/VERSIONS. Inputs are not stored: `synthetic` and `real` of make_golden.py and `mask` below make the same pixels
from integers as `SyntheticImage` and `SyntheticMask` in Swift.
"""

import csv
import itertools
import platform

import cv2
import numpy as np
import scipy
import scipy.ndimage as ndimage
import skimage
import torch
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.metrics import structural_similarity
from skimage.morphology import disk

from make_golden import DATA, KINDS, digest, real, splitmix, synthetic

OUTPUT = DATA / "operations"
MASKS = ["noise", "sparse", "dense", "rings", "tomogram", "mesh", "empty", "full"]
SIZES = [(1, 1), (1, 9), (7, 1), (2, 2), (5, 64), (64, 64), (33, 65), (40, 127), (129, 30), (96, 96)]


def table(name, header, rows):
    with open(OUTPUT / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def floats(name, array):
    np.ascontiguousarray(array).astype("<f4").tofile(OUTPUT / f"{name}.f4")


def mask(kind, height, width, seed):
    random = splitmix(seed, height * width).reshape(height, width)
    y, x = np.mgrid[:height, :width]
    if kind == "noise":
        return random >> np.uint64(63) == 1
    if kind == "sparse":
        return random >> np.uint64(61) == 0
    if kind == "dense":
        return random >> np.uint64(61) != 0
    if kind == "rings":
        return ((x - width // 2) ** 2 + (y - height // 2) ** 2) // 40 % 2 == 0
    if kind == "tomogram":
        return synthetic("tomogram", height, width, seed) < 100
    if kind == "mesh":
        return ((x % 5 == 0) | (y % 5 == 0)) & (random >> np.uint64(60) != 0)
    return np.full((height, width), kind == "full")


def pair(height, width, seed):
    """Two images that have something in common: exact in float32."""
    a = real(height, width, seed)
    return a, (a + real(height, width, seed + 1)) / 2


def similarity():
    rows = []
    for i, (height, width) in enumerate([(7, 7), (8, 11), (64, 64), (31, 100), (57, 24)]):
        for window, value_range in [(7, 16.0), (7, 1.0), (3, 16.0), (5, 4.5)]:
            a, b = (image.astype(np.float64) for image in pair(height, width, 5000 + 2 * i))
            value = structural_similarity(a, b, win_size=window, data_range=value_range)
            rows.append([height, width, 5000 + 2 * i, window, value_range, repr(float(value))])
    table("ssim", ["height", "width", "seed", "window", "range", "ssim"], rows)


def blur():
    rows = []
    borders = {"reflect101": cv2.BORDER_REFLECT_101, "replicate": cv2.BORDER_REPLICATE}
    for i, ((height, width), (size, sigma), border) in enumerate(
        itertools.product([(17, 23), (6, 40)], [(5, 1.1), (15, 0), (7, 0), (9, 0), (3, 0.5), (31, 4.0)], borders)
    ):
        if border == "reflect101" and size // 2 >= min(height, width):
            continue  # OpenCV mirrors once only.
        result = cv2.GaussianBlur(real(height, width, 6000 + i), (size, size), sigma, borderType=borders[border])
        floats(f"blur-{6000 + i}", result)
        rows.append([height, width, 6000 + i, size, sigma, border])
    table("blur", ["height", "width", "seed", "size", "sigma", "border"], rows)
    table("kernels", ["size", "sigma", "weights"], [
        [size, sigma, " ".join(repr(float(w)) for w in cv2.getGaussianKernel(size, sigma, cv2.CV_32F).ravel())]
        for size, sigma in [(1, 0), (3, 0), (5, 0), (7, 0), (9, 0), (11, 0), (15, 0), (51, 0), (5, 1.1), (7, 3.0), (31, 0.4)]])


def near_ties(image, block):
    """Where the mean lies so near a half that the order of float32 additions may decide.

    Up to block 9 all weights are 256ths, and nothing is rounded.
    """
    if block <= 9:
        return np.zeros(image.shape, bool)
    kernel = cv2.getGaussianKernel(block, 0, cv2.CV_32F).astype(np.float64).ravel()
    mean = ndimage.correlate1d(image.astype(np.float64), kernel, axis=0, mode="nearest")
    mean = ndimage.correlate1d(mean, kernel, axis=1, mode="nearest")
    return np.abs(mean - np.floor(mean) - 0.5) < 5e-5


def adaptive():
    rows = []
    offsets = [3.0, 0.0, -2.0, 7.5, -7.5, 0.25]
    blocks = [15, 51, 3, 5, 7, 9, 21]
    for i in range(60):
        kind = KINDS[i % len(KINDS)]
        height, width = SIZES[(3 * i + i // 10) % len(SIZES)]
        block, offset = blocks[i % len(blocks)], offsets[(i + i // 6) % len(offsets)]
        image = synthetic(kind, height, width, 7000 + i)
        ties = near_ties(image, block)
        above = cv2.adaptiveThreshold(image, 1, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, -offset)
        binary = cv2.adaptiveThreshold(image, 1, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, block, offset)
        above[ties] = 0
        binary[ties] = 0
        places = " ".join(str(place) for place in np.flatnonzero(ties))
        rows.append([kind, height, width, 7000 + i, block, offset, digest(above), digest(binary), places])
    table("adaptive", ["kind", "height", "width", "seed", "block", "offset", "above_mean", "opencv_binary", "near_ties"], rows)


def otsu():
    rows = []
    for i, (kind, (height, width)) in enumerate(itertools.product(KINDS, SIZES[3:])):
        image = synthetic(kind, height, width, 8000 + i)
        scikit = threshold_otsu(image)
        _, opencv = cv2.threshold(image, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
        # Of a constant image OpenCV says that it is above 0, scikit-image that it is not above itself.
        assert kind == "constant" or np.array_equal(opencv > 0, image > scikit)
        rows.append(["8-bit", kind, height, width, 8000 + i, int(scikit), digest(image > scikit)])
    for i, (height, width) in enumerate(SIZES[3:]):
        image = real(height, width, 8100 + i)
        rows.append(["float", "real", height, width, 8100 + i, repr(float(threshold_otsu(image.astype(np.float64)))), ""])
    table("otsu", ["type", "kind", "height", "width", "seed", "threshold", "mask"], rows)


def percentiles():
    percents = [0, 1, 12.5, 50, 99, 99.9, 100]
    table("percentiles", ["height", "width", "seed", *percents], [
        [height, width, 8200 + i,
         *(repr(float(v)) for v in np.percentile(real(height, width, 8200 + i).astype(np.float64), percents))]
        for i, (height, width) in enumerate(SIZES)])


def components():
    rows = []
    for i, (kind, (height, width)) in enumerate(itertools.product(MASKS, SIZES)):
        image = mask(kind, height, width, 9000 + i)
        row = [kind, height, width, 9000 + i]
        for connectivity in (4, 8):
            labels = label(image, connectivity=connectivity // 4).astype(np.int32)
            structure = ndimage.generate_binary_structure(2, connectivity // 4)
            assert np.array_equal(labels, ndimage.label(image, structure)[0])
            background = ndimage.generate_binary_structure(2, 3 - connectivity // 4)
            row += [labels.max(), digest(labels), digest(ndimage.binary_fill_holes(image, background))]
        row.append(len(cv2.findContours(image.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0]))
        row.append("" if image.all() else digest(ndimage.distance_transform_edt(image).astype("<f4")))
        rows.append(row)
    table("components", ["kind", "height", "width", "seed", "count4", "labels4", "filled4", "count8", "labels8", "filled8",
                         "contours", "distances"], rows)


def morphology():
    rows = []
    operations = {"dilated": cv2.MORPH_DILATE, "eroded": cv2.MORPH_ERODE, "opened": cv2.MORPH_OPEN, "closed": cv2.MORPH_CLOSE}
    cases = itertools.product(["disc", "square", "cross"], [0, 1, 2, 3, 7], ["sparse", "dense", "rings"])
    for i, (shape, radius, kind) in enumerate(cases):
        height, width = SIZES[3 + i % 7]
        side = 2 * radius + 1
        element = {"disc": disk(radius), "square": np.ones((side, side), np.uint8),
                   "cross": cv2.getStructuringElement(cv2.MORPH_CROSS, (side, side))}[shape]
        image = mask(kind, height, width, 9500 + i).astype(np.uint8)
        results = []
        for name, operation in operations.items():
            result = cv2.morphologyEx(image, operation, element)
            scikit = {"dilated": skimage.morphology.dilation, "eroded": skimage.morphology.erosion}.get(name)
            assert scikit is None or np.array_equal(result, scikit(image, element, mode="ignore"))
            results.append(digest(result))
        rows.append([shape, radius, kind, height, width, 9500 + i, *results])
    table("morphology", ["shape", "radius", "kind", "height", "width", "seed", *operations], rows)


def resize():
    for i, (old, new) in enumerate([((29, 29), (32, 32)), ((13, 21), (40, 30)), ((40, 30), (13, 21)), ((32, 24), (16, 12))]):
        image = torch.from_numpy(real(*old, 3000 + i))[None, None]
        result = torch.nn.functional.interpolate(image, new, mode="bilinear", align_corners=False)
        floats(f"resize-{old[0]}x{old[1]}-{new[0]}x{new[1]}", result[0, 0].numpy())


def scaled(image, lower=1, upper=99):
    low, high = (np.float32(p) for p in np.percentile(image.astype(np.float64), [lower, upper]))
    low, high = float(low), float(high)
    return np.clip((image.astype(np.float64) - low) / (high - low), 0, 1).astype(np.float32)


def diversity(image, patch):
    rows, columns = image.shape[0] // patch, image.shape[1] // patch
    patches = image[:rows * patch, :columns * patch].astype(np.float64).reshape(rows, patch, columns, patch)
    return float(patches.std(axis=(1, 3)).std())


def blobs(side, seed):
    """A map of noise and bright discs: of seeds that differ by less than 3 the discs lie in the same places."""
    y, x = np.mgrid[:side, :side]
    center = 8 + 4 * (seed // 3 % 3)
    disc = (x - center) ** 2 + (y - 14) ** 2 < 30
    return (real(side, side, seed) / 8 + np.where(disc & (x + y > 3 * (seed % 3)), np.float32(2), np.float32(0))).astype(np.float32)


def foreground(image):
    return image > np.float32(threshold_otsu(image.astype(np.float64)))


def contours(image):
    return len(cv2.findContours(foreground(image).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)[0])


def merge():
    """The rule of method.md section 4, once more, in NumPy."""
    rows = []
    rules = [("overlap", 0.3), ("overlap", 0.46), ("structure", 0.03), ("structure", 0.3)]
    for (similarity_kind, threshold), seed in itertools.product(rules, [9900, 9930, 9960, 9990]):
        maps = [scaled(blobs(32, seed + i)) for i in range(9)]
        scores = [diversity(m, 8) for m in maps]
        order = sorted(range(9), key=lambda i: (-scores[i], i))
        base = merged = maps[order[0]]
        count = 1
        for index in order[1:]:
            candidate = maps[index]
            following = ((np.float32(count) * merged + candidate) / np.float32(count + 1)).astype(np.float32)
            if similarity_kind == "overlap":
                a, b = foreground(candidate), foreground(base)
                similarity_value = 2 * (a & b).sum() / (a.sum() + b.sum())
            else:
                similarity_value = structural_similarity(candidate.astype(np.float64), base.astype(np.float64), data_range=1)
            before, after = diversity(merged, 8), diversity(following, 8)
            contours_before, contours_after = contours(merged), contours(following)
            outcome = ("dissimilar" if similarity_value < threshold else "diversityDoesNotRise" if after <= before
                       else "contoursRise" if contours_after > contours_before else "merged")
            rows.append([similarity_kind, threshold, seed, order[0], index, repr(scores[index]), repr(float(similarity_value)),
                         repr(before), repr(after), contours_before, contours_after, outcome])
            if outcome == "merged":
                merged, count = following, count + 1
    table("merge", ["similarity", "threshold", "seed", "base", "map", "own_diversity", "similarity_value", "diversity_before",
                    "diversity_after", "contours_before", "contours_after", "outcome"], rows)
    print({outcome: sum(row[-1] == outcome for row in rows) for outcome in {row[-1] for row in rows}})


def slab():
    """Twelve maps, alike but for the fifth, and a change of scene after the eighth."""
    return [real(24, 20, 9800) + real(24, 20, 9801 + z) / 64 if z not in (4,) and z < 8
            else real(24, 20, 9850 + (z if z == 4 else 0)) + real(24, 20, 9801 + z) / 64 for z in range(12)]


def consistency():
    slices = slab()
    low, high = min(s.min() for s in slices), max(s.max() for s in slices)
    unit = [(s.astype(np.float64) - float(low)) / (float(high) - float(low)) for s in slices]
    unit = [u.astype(np.float32).astype(np.float64) for u in unit]
    rows, results = [], []
    for z in range(12):
        if z in (0, 11):
            results.append((slices[z] + slices[1 if z == 0 else 10]) / 2)
            rows.append([z, "smoothedAtEnd", "", ""])
            continue
        neighbours = structural_similarity(unit[z + 1], unit[z - 1], data_range=1)
        own = structural_similarity(unit[z + 1], unit[z], data_range=1)
        replaced = neighbours > 0.9 and own < 0.8
        mean = (slices[z - 1].astype(np.float64) + slices[z + 1]) / 2
        results.append(mean if replaced else 0.5 * slices[z] + 0.5 * mean)
        rows.append([z, "replaced" if replaced else "smoothed", repr(float(neighbours)), repr(float(own))])
    table("consistency", ["z", "rule", "neighbours", "own"], rows)
    floats("consistency", np.stack(results))
    print([row[1] for row in rows])


if __name__ == "__main__":
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for make in (similarity, blur, adaptive, otsu, percentiles, components, morphology, resize, merge, consistency):
        make()
    (OUTPUT / "VERSIONS").write_text(
        f"python {platform.python_version()}\nnumpy {np.__version__}\nopencv {cv2.__version__}\n"
        f"scikit-image {skimage.__version__}\nscipy {scipy.__version__}\ntorch {torch.__version__}\nmachine {platform.machine()}\n")
