"""Makes the golden files in data/dynamics/ that the tests of Cellpose/Dynamics compare with.

    python make_dynamics_golden.py

Made with CellPose 3.1.1.3 on a CPU; the versions used are written to data/dynamics/VERSIONS. Label images are not stored:
`labels` below makes the same pixels from integers as `SyntheticLabels` in Swift. What a network would say of them is made of
their flows as `labels_to_flows` gives them in float32, five times as long, rounded to 1/64, and noise of whole 64ths: `said`
below, `NetworkSays` in Swift. Digests of these inputs stand in the table, so that both sides are known to start from the same bits.

masks.csv: what `resize_and_compute_masks` makes of them. `masks` is its result; `stable` the same where seeds with
equal counts are taken in raster order (PyTorch's argsort leaves them in the order of its vectorized sort), and `ties` the
number of pixels in which the two differ; `by_label` is as `stable`, but small objects are counted by their label, where
CellPose takes the place among the labels for the label.
"""

import csv
import hashlib
import logging
import platform
import warnings
from importlib import metadata
from pathlib import Path

import cv2
import fastremap
import numpy as np
import torch
from cellpose import dynamics, metrics, transforms, utils

DATA = Path(__file__).parent / "data" / "dynamics"
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
utils.trange = range

KINDS = ["discs", "touching", "ellipses", "crescents", "rings", "nested", "border", "large", "specks", "mosaic", "stripes",
         "full", "empty"]
# How much flows and probability are disturbed: factors of noise, and whether some objects' flows are turned.
CONDITIONS = {"clean": (0, 0, False), "noisy": (2, 0, False), "leaky": (1, 18, False), "turned": (1, 0, True),
              "wild": (6, 16, True)}
DEFAULTS = dict(threshold=0.0, iterations=200, limit=0.4, fraction=0.4, area=15, height=0, width=0)


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def digest(array, kind):
    return hashlib.sha256(np.ascontiguousarray(array).astype(kind).tobytes()).hexdigest()


def table(name, header, rows):
    with open(DATA / f"{name}.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def labels(kind, height, width, seed):
    y, x = np.mgrid[:height, :width].astype(np.int64)
    if kind == "specks":
        is_speck = splitmix(seed, height * width) >> np.uint64(62) == 0
        return np.where(is_speck, np.cumsum(is_speck), 0).reshape(height, width).astype(np.int32)
    if kind == "mosaic":
        return (y // 12 * ((width + 8) // 9) + x // 9 + 1).astype(np.int32)
    if kind == "stripes":
        return np.where(y % 7 < 5, y // 7 + 1, 0).astype(np.int32)
    if kind in ("full", "empty"):
        return np.full((height, width), kind == "full", np.int32)
    result = np.zeros((height, width), np.int32)
    if kind == "large":
        result[(y - height // 2) ** 2 + (x - width // 2) ** 2 < min(height, width) ** 2 // 4] = 1
        return result
    pitch = {"discs": 24, "touching": 14, "ellipses": 36, "crescents": 40, "rings": 36, "nested": 36, "border": 30}[kind]
    first = 0 if kind == "border" else pitch // 2
    centres = [(cy, cx) for cy in range(first, height, pitch) for cx in range(first, width, pitch)]
    words = splitmix(seed, len(centres))
    label = 0
    for (cy, cx), word in zip(centres, words.tolist()):
        # Seven numbers of a byte each.
        a, b, c, d, e, f = (word >> (8 * k) & 255 for k in range(6))
        dy, dx = y - cy - a % 5 + 2, x - cx - b % 5 + 2
        distance = dy * dy + dx * dx
        label += 1
        if kind == "ellipses":
            long, short, u, v = 9 + c % 9, 4 + d % 6, e % 7 - 3, f % 5 + 1
            p, q = dx * u + dy * v, dy * u - dx * v
            result[p * p * short * short + q * q * long * long <= long * long * short * short * (u * u + v * v)] = label
        elif kind == "crescents":
            radius, u, v = 13 + c % 5, 5 + d % 5, e % 15 - 7
            result[(distance <= radius * radius) & ((dy - v) ** 2 + (dx - u) ** 2 > radius * radius)] = label
        elif kind in ("rings", "nested"):
            radius = 11 + c % 5
            result[(distance <= radius * radius) & (distance * 4 > radius * radius)] = label
            if kind == "nested":
                label += 1
                result[distance * 9 <= radius * radius] = label
        else:
            radius = {"discs": 5 + c % 5, "touching": 7 + c % 3, "border": 8 + c % 5}[kind]
            result[distance <= radius * radius] = label
    return result


def flows_of(image):
    """CellPose's targets, float32 [2, height, width]; none for an image without objects."""
    if image.max() == 0:
        return np.zeros((2, *image.shape), np.float32)
    # As in `labels_to_flows`, which would renumber the image itself.
    return np.asarray(dynamics.labels_to_flows([image.copy()], device=torch.device("cpu"))[0][2:], np.float32)


def said(image, flows, seed, condition):
    """Flows [2, height, width] and cell probability, as a network might say."""
    flow_noise, probability_noise, is_turned = CONDITIONS[condition]
    words = splitmix(seed, image.size).reshape(image.shape)
    noise = [((words >> np.uint64(8 * k)) & np.uint64(255)).astype(np.int64) - 128 for k in range(3)]
    y, x = (np.rint(flow.astype(np.float64) * 320).astype(np.int64) for flow in flows)
    if is_turned:
        y, x = np.where(image % 3 == 2, x, y), np.where(image % 3 == 2, -y, x)
        y, x = np.where(image % 5 == 3, -y, y), np.where(image % 5 == 3, -x, x)
    y, x = y + (noise[0] * flow_noise >> 2), x + (noise[1] * flow_noise >> 2)
    probability = np.where(image > 0, 32, -32) + (noise[2] * probability_noise >> 6)
    return (np.stack([y, x]) / 64).astype(np.float32), (probability / 16).astype(np.float32)


def without_small(masks, area):
    unique, counts = np.unique(masks, return_counts=True)
    masks = np.where(np.isin(masks, unique[(counts < area) & (unique > 0)]), 0, masks)
    return fastremap.renumber(masks)[0]


def computed(flows, probability, threshold, iterations, limit, fraction, area, height, width):
    """CellPose's masks; and the same where small objects are counted by label."""
    resize = (height, width) if height else None
    masks = dynamics.resize_and_compute_masks(
        flows, probability, niter=iterations, cellprob_threshold=threshold, flow_threshold=limit, min_size=area,
        max_size_fraction=fraction, resize=resize)
    by_label = dynamics.compute_masks(
        flows, probability, niter=iterations, cellprob_threshold=threshold, flow_threshold=limit, max_size_fraction=fraction)
    if resize:
        by_label = transforms.resize_image(by_label, height, width, no_channels=True, interpolation=cv2.INTER_NEAREST)
    by_label = utils.fill_holes_and_remove_small_masks(without_small(by_label, area), min_size=-1)
    return masks, without_small(by_label, area)


def stable(body):
    """The result of the body with seeds of equal counts in raster order."""
    argsort = torch.Tensor.argsort
    torch.Tensor.argsort = lambda self: torch.sort(self, stable=True).indices
    try:
        return body()
    finally:
        torch.Tensor.argsort = argsort


def masks_table():
    cases = []
    for index, kind in enumerate(KINDS):
        for place, (height, width) in enumerate([(96, 120), (131, 77)]):
            if kind == "specks" and place == 0:
                height, width = 160, 150
            for condition in CONDITIONS:
                cases.append((kind, height, width, 10 * index + place, condition, DEFAULTS))
    for kind, height, width in [("discs", 1, 1), ("full", 1, 40), ("discs", 40, 1), ("touching", 4, 3), ("full", 3, 4), ("full", 5, 5),
                                ("border", 7, 64)]:
        cases.append((kind, height, width, 500, "noisy", dict(DEFAULTS, area=2, fraction=1.0)))
    variants = [dict(threshold=1.5), dict(threshold=-1.0), dict(iterations=0), dict(iterations=17), dict(iterations=463), dict(limit=0.1),
                dict(limit=1.0), dict(limit=0.0), dict(fraction=0.02), dict(fraction=1.0), dict(area=0), dict(area=90),
                dict(height=150, width=181), dict(height=47, width=59), dict(height=33, width=140, area=5)]
    for place, variant in enumerate(variants):
        for kind, condition in [("touching", "leaky"), ("ellipses", "wild"), ("nested", "turned"), ("border", "leaky"),
                                ("mosaic", "wild")]:
            cases.append((kind, 90, 101, 600 + place, condition, dict(DEFAULTS, **variant)))
    cases.append(("discs", 384, 432, 700, "noisy", DEFAULTS))
    cases.append(("touching", 256, 230, 701, "leaky", DEFAULTS))
    cases.append(("ellipses", 520, 300, 702, "turned", DEFAULTS))
    rows = []
    for kind, height, width, seed, condition, options in cases:
        image = labels(kind, height, width, seed)
        flows, probability = said(image, flows_of(image), seed, condition)
        masks, _ = computed(flows, probability, **options)
        steady, by_label = stable(lambda: computed(flows, probability, **options))
        rows.append([
            kind, height, width, seed, condition, *options.values(), digest(np.stack([*flows, probability]), "<f4"),
            int(masks.max()), digest(masks, "<i4"), digest(steady, "<i4"), int((masks != steady).sum()),
            digest(by_label, "<i4")])
    header = ["kind", "height", "width", "seed", "condition", *list(DEFAULTS)[:5], "resized_height", "resized_width"]
    table("masks", header + ["said", "count", "masks", "stable", "ties", "by_label"], rows)
    lost = sum(row[-1] != row[-3] for row in rows)
    print(len(rows), "cases,", sum(row[-2] > 0 for row in rows), "with ties,", lost, "with objects dropped by mistake,",
          sum(row[-5] for row in rows), "objects")


def flows_table():
    rows = []
    for index, kind in enumerate(KINDS):
        for height, width in [(96, 120), (61, 64), (7, 9), (1, 5)]:
            image = labels(kind, height, width, 800 + index)
            rows.append([kind, height, width, 800 + index, digest(flows_of(image), "<f4")])
    table("flows", ["kind", "height", "width", "seed", "flows"], rows)
    for kind in ["touching", "ellipses", "rings"]:
        flows_of(labels(kind, 48, 50, 900)).astype("<f4").tofile(DATA / f"flows-{kind}.f4")


def errors_table():
    rows = []
    for index, kind in enumerate(["touching", "ellipses", "nested", "mosaic"]):
        image = labels(kind, 70, 83, 950 + index)
        flows, _ = said(image, flows_of(image), 950 + index, "turned")
        # Holes of the labels must not matter.
        image[image == 3] = 0
        errors = metrics.flow_error(image, flows, torch.device("cpu"))[0]
        rows.append([kind, 70, 83, 950 + index, " ".join(repr(float(error)) for error in errors if not np.isnan(error))])
    table("errors", ["kind", "height", "width", "seed", "errors"], rows)


def stitching_table():
    rows = []
    for index, kind in enumerate(["discs", "touching", "ellipses", "nested", "mosaic", "specks"]):
        for threshold in [0.25, 0.5, 0.0]:
            # Every slice twice, so that objects go on; one that is empty.
            slices = [labels("empty" if z == 5 else kind, 75, 96, 970 + index + z // 2).astype(np.int64) for z in range(8)]
            slices[2] = fastremap.renumber(np.roll(slices[2], 3, axis=1))[0]
            for z, stitched in enumerate(utils.stitch3D(np.stack(slices), threshold)):
                rows.append([kind, 970 + index, threshold, z, int(stitched.max()), digest(stitched, "<i4")])
    table("stitching", ["kind", "seed", "threshold", "z", "largest", "labels"], rows)


DATA.mkdir(parents=True, exist_ok=True)
flows_table()
errors_table()
stitching_table()
masks_table()
packages = ["cellpose", "numpy", "numba", "scipy", "torch", "opencv-python-headless", "fastremap", "fill-voids"]
(DATA / "VERSIONS").write_text(
    f"python {platform.python_version()}\n" + "".join(f"{name} {metadata.version(name)}\n" for name in packages)
    + f"processor {platform.machine()}, {torch.backends.cpu.get_cpu_capability()}\n")
