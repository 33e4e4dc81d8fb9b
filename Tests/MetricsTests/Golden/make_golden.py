"""Writes the golden files of MetricsTests.

    python Tests/MetricsTests/Golden/make_golden.py

Made with Python 3.11, NumPy 2.0.2, SciPy 1.17.1, scikit-image 0.26.0, scikit-learn's definition of average precision written out,
MONAI 1.6.1, PyTorch 2.13.0 and surface-distance 0.1; `data/versions.txt` says which versions the files there were made with.

Masks are [z][y][x], a bit for each voxel, the lowest of a byte first: the prediction, and then the truth; a mask, and then its
skeleton. Tables are CSV with a header.
"""

import importlib.metadata
import pathlib
import sys

import numpy as np
import scipy.ndimage as ndimage
from scipy.spatial import KDTree

# surface-distance 0.1 was written for older versions of both.
np.Inf = np.inf
if not hasattr(ndimage, "filters"):
    ndimage.filters = ndimage
if not hasattr(ndimage, "morphology"):
    ndimage.morphology = ndimage

import surface_distance
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from skimage.measure import euler_number, label
from skimage.morphology import skeletonize

DATA = pathlib.Path(__file__).parent / "data"
TOLERANCES = [1.0, 10.0, 25.0]


def write_masks(name, *masks):
    bits = np.concatenate([mask.ravel() for mask in masks])
    (DATA / f"{name}.bits").write_bytes(np.packbits(bits, bitorder="little").tobytes())


def blobs(rng, shape, sigma, part):
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    return field > np.quantile(field, 1 - part)


def thinnable(mask):
    """The mask without those bodies of which scikit-image leaves nothing: cubes of 2 × 2 × 2 voxels, and others as small. Ours keeps
    a voxel of them, since a component must not vanish."""
    components = label(mask, connectivity=3)
    left = np.unique(components[skeletonize(mask)])
    print("bodies that scikit-image removes:", components.max() - len(left))
    return mask & np.isin(components, left)


def mask_pairs(rng):
    """Name, prediction, truth, voxel size (z, y, x)."""
    z, y, x = np.indices((18, 26, 34))
    ball = lambda c, r: (z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 <= r * r
    yield "balls", ball((8, 12, 15), 6.3), ball((9, 13, 17), 5.6), (10.0, 10.0, 10.0)
    yield "anisotropic", ball((8, 12, 15), 6.3), ball((9, 13, 17), 5.6), (13.7, 8.1, 11.3)
    sheet = lambda t: np.abs(z - 8 - 2 * np.sin(x / 6.0) - 0.1 * y) <= t
    yield "sheets", sheet(1.5), sheet(2.0) & (x > 5), (13.48, 13.48, 13.48)
    rough = thinnable(blobs(rng, (18, 26, 34), 1.2, 0.3))
    yield "rough", rough, thinnable(blobs(rng, (18, 26, 34), 1.2, 0.25)), (7.9, 10.0, 10.0)
    noise = rng.random((9, 11, 70)) < 0.5
    yield "noise", noise, rng.random((9, 11, 70)) < 0.4, (3.0, 2.0, 5.0)
    yield "far", ball((2, 2, 2), 2), ball((15, 23, 31), 2), (10.0, 12.0, 9.0)


def surfaces(name, prediction, truth, voxel):
    rows = []
    found = surface_distance.compute_surface_distances(truth, prediction, voxel)
    to_prediction, to_truth = surface_distance.compute_average_surface_distance(found)
    rows.append(
        [name, "elements", *voxel, to_truth, to_prediction, surface_distance.compute_robust_hausdorff(found, 95)]
        + [surface_distance.compute_surface_dice_at_tolerance(found, t) for t in TOLERANCES]
    )
    p, t = (torch.from_numpy(m[None, None].astype(np.float32)) for m in (prediction, truth))
    one = lambda **kw: float(compute_average_surface_distance(p, t, include_background=True, spacing=voxel, **kw)[0, 0])
    other = float(compute_average_surface_distance(t, p, include_background=True, spacing=voxel)[0, 0])
    hausdorff = float(compute_hausdorff_distance(p, t, include_background=True, percentile=95, spacing=voxel)[0, 0])
    dice = [
        float(compute_surface_dice(p, t, class_thresholds=[v], include_background=True, spacing=voxel)[0, 0]) for v in TOLERANCES
    ]
    rows.append([name, "voxels", *voxel, one(), other, hausdorff, *dice])
    return rows


def skeletons(rng):
    for index in range(6):
        yield f"blobs{index}", thinnable(blobs(rng, (16, 18, 66), 1.0 + 0.3 * index, 0.35))
    z, y, x = np.indices((20, 24, 40))
    tube = np.zeros(z.shape, bool)
    for t in np.linspace(0, 1, 200):
        c = (10 + 5 * np.sin(6 * t), 12 + 6 * np.cos(5 * t), 4 + 32 * t)
        tube |= (z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 <= 6.5
    yield "tube", tube
    ring = (np.sqrt((y - 12.0) ** 2 + (x - 20.0) ** 2) - 8) ** 2 + (z - 10.0) ** 2 <= 9
    yield "ring", ring
    yield "shell", np.abs(np.sqrt((z - 10.0) ** 2 + (y - 12.0) ** 2 + (x - 20.0) ** 2) - 7) <= 1.5


def table(name, header, rows):
    text = "\n".join([header] + [",".join(v if isinstance(v, str) else repr(float(v)) if isinstance(v, (float, np.floating)) else str(int(v)) for v in row) for row in rows])
    (DATA / name).write_text(text + "\n")


def czii(picks, truth, classes, beta):
    """The published definition: pairs within half of the radius by KD-trees, tp = distinct truths that were found, fp = picks − tp,
    sums over tomograms, F-beta, mean by weight."""
    total, weights = 0.0, 0.0
    for name, (radius, weight) in classes.items():
        tp = fp = fn = 0
        for tomogram in truth:
            reference, candidates = truth[tomogram][name], picks[tomogram][name]
            if len(reference) == 0:
                fp += len(candidates)
                continue
            if len(candidates) == 0:
                fn += len(reference)
                continue
            matches = KDTree(candidates).query_ball_tree(KDTree(reference), r=radius * 0.5)
            hit = len(set(sum(matches, [])))
            tp, fp, fn = tp + hit, fp + len(candidates) - hit, fn + len(reference) - hit
        precision = tp / (tp + fp) if tp + fp > 0 else 0
        recall = tp / (tp + fn) if tp + fn > 0 else 0
        both = beta**2 * precision + recall
        total += weight * ((1 + beta**2) * precision * recall / both if both > 0 else 0)
        weights += weight
    return total / weights


def main():
    DATA.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)

    rows, overlaps = [], []
    for name, prediction, truth, voxel in mask_pairs(rng):
        write_masks(name, prediction, truth)
        for row in surfaces(name, prediction, truth, voxel):
            rows.append([row[0], row[1], *prediction.shape, *row[2:]])
        tp, fp, fn = (prediction & truth).sum(), (prediction & ~truth).sum(), (~prediction & truth).sum()
        curve = {}
        for side, mask, other in (("prediction", prediction, truth), ("truth", truth, prediction)):
            skeleton = skeletonize(mask)
            curve[side] = (skeleton & other).sum() / skeleton.sum()
        precision, recall = curve["prediction"], curve["truth"]
        cldice = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        overlaps.append([name, *prediction.shape, tp, fp, fn, 2 * tp / (2 * tp + fp + fn), tp / (tp + fp + fn), cldice])
    table("surfaces.csv", "name,convention,depth,height,width,vz,vy,vx,to_truth,to_prediction,hausdorff95,dice1,dice10,dice25", rows)
    table("overlaps.csv", "name,depth,height,width,tp,fp,fn,dice,iou,cldice", overlaps)

    areas = []
    for voxel in [(1.0, 1.0, 1.0), (1.3, 2.1, 0.7), (3.0, 1.0, 1.0), (0.5, 2.0, 5.0)]:
        for code in range(256):
            corners = np.array([code >> bit & 1 for bit in range(8)], bool).reshape(2, 2, 2)
            encoded = int((corners * surface_distance.lookup_tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL).sum())
            areas.append([*voxel, code, surface_distance.lookup_tables.create_table_neighbour_code_to_surface_area(list(voxel))[encoded]])
    table("areas.csv", "vz,vy,vx,code,area", areas)

    rows = []
    for name, mask in skeletons(rng):
        skeleton = skeletonize(mask)
        write_masks(f"skeleton_{name}", mask, skeleton)
        rows.append([name, *mask.shape, euler_number(mask, connectivity=3), label(mask, connectivity=3).max()])
    table("skeletons.csv", "name,depth,height,width,euler,components", rows)

    classes = {"apo": (60.0, 1.0), "galactosidase": (90.0, 2.0), "ribosome": (150.0, 1.0), "amylase": (65.0, 0.0)}
    picks, truth, points = {}, {}, []
    for tomogram in ("a", "b", "c"):
        picks[tomogram], truth[tomogram] = {}, {}
        for index, (name, (radius, _)) in enumerate(classes.items()):
            there = rng.uniform(0, 2000, (0 if (tomogram, name) == ("c", "apo") else 40, 3))
            found = np.concatenate([there[:30] + rng.normal(0, radius / 4, there[:30].shape), rng.uniform(0, 2000, (5 * index, 3))])
            if (tomogram, name) == ("b", "ribosome"):
                found = found[:0]
            truth[tomogram][name], picks[tomogram][name] = there, found
            points += [[tomogram, name, "truth", *p] for p in there] + [[tomogram, name, "pick", *p] for p in found]
    table("czii_points.csv", "tomogram,class,kind,x,y,z", points)
    rows = [[name, radius, weight, czii(picks, truth, {name: (radius, 1.0)}, 4)] for name, (radius, weight) in classes.items()]
    table("czii.csv", "class,radius,weight,score", rows + [["all", 0.0, 0.0, czii(picks, truth, classes, 4)]])

    # One to one: scipy's assignment with a cost for staying alone that no pairing reaches.
    from scipy.optimize import linear_sum_assignment

    rows, points = [], []
    for index, (n, m, radius) in enumerate([(20, 25, 150.0), (60, 40, 200.0), (80, 80, 120.0), (50, 50, 400.0), (7, 1, 500.0)]):
        a, b = rng.uniform(0, 800, (n, 3)), rng.uniform(0, 800, (m, 3))
        distance = np.linalg.norm(a[:, None] - b[None], axis=2)
        cost = np.where(distance <= radius, distance, 1e6)
        i, j = linear_sum_assignment(cost)
        ok = distance[i, j] <= radius
        rows.append([index, radius, ok.sum(), distance[i, j][ok].sum()])
        points += [[index, 0, *p] for p in a] + [[index, 1, *p] for p in b]
    table("pairs.csv", "case,radius,pairs,distance", rows)
    table("pair_points.csv", "case,is_truth,x,y,z", points)

    # Average precision as scikit-learn defines it: Σ (Rₙ − Rₙ₋₁) Pₙ over distinct thresholds.
    rows = []
    for index in range(4):
        scores = np.round(rng.random(60), 1 if index % 2 else 6)
        true = rng.random(60) < scores
        order = np.argsort(-scores, kind="stable")
        s, t = scores[order], true[order]
        last = np.r_[np.nonzero(np.diff(s))[0], len(s) - 1]
        tp = np.cumsum(t)[last]
        precision, recall = tp / (last + 1), tp / t.sum()
        f1 = 2 * precision * recall / (precision + recall)
        rows.append(
            [index, float(np.sum(np.diff(np.r_[0, recall]) * precision)), float(f1.max()), float(s[last][f1.argmax()]),
             " ".join(repr(float(v)) for v in scores), " ".join(str(int(v)) for v in true)]
        )
    table("curves.csv", "case,average_precision,best_f1,best_threshold,scores,is_true", rows)

    names = ["numpy", "scipy", "scikit-image", "monai", "torch", "surface-distance"]
    lines = [f"python {sys.version.split()[0]}"] + [f"{n} {importlib.metadata.version(n)}" for n in names]
    (DATA / "versions.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
