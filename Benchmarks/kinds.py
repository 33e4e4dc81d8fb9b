"""What descriptors tell of the kinds of particles: how well clusters of them are the true kinds, on three simulators.

    python kinds.py PROGRAM FOLDER [--cellar CELLAR] [--collections simulate,second,third] [--snr 0.5,0.2,0.1] [--seeds 301]
        [--tomograms 6] [--size 256,256,64] [--radius 115] [--templates FOLDER]

PROGRAM is `mining-benchmark`. FOLDER receives the collections, as for carry_over.py: of `cellar simulate` (for which alone CELLAR is needed), and
of the second and the third simulator of `builtin/`. Another call takes those that are there.

Every particle is described at its true place, rounded to voxels: of at least 9 nm of `cellar simulate`, whose kinds differ in size, and of
at least 15 nm of the others; filaments are left out. Its numbers are standardised as the step `descriptors` does it, by boxes at 256 random places
of the same tomogram, and each part weighs the same. Candidates are single parts, the three of the default (with these weights, and with each number
weighing the same), and all.

"Found" are kinds as the program finds them (`KindFinder`), which is not told how many there are. Beside it clusters are found on the first 8 principal
components, with the true number of kinds: by k-means, and by a mixture of normal distributions with one covariance for all. Figures are the adjusted Rand index over particles of at least 15 nm, and the median distance within a kind over that to
other kinds, the mean over kinds (of at least 4 such particles; below 1 is better). Particles of all tomograms are clustered together, but those of
the third simulator within each tomogram, since each has other kinds; the mean is over tomograms with two kinds or more. One table is printed;
FOLDER/kinds.json holds every figure. Needs numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4, scikit-learn 1.9.1, and for the second and the third
simulator opencv 5.0.0.
"""

import argparse
import csv
import dataclasses
import hashlib
import json
import pathlib
import subprocess
import tempfile

import mrcfile
import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from unseen_data import collections

# What this script knows of the program: its parts in their order, and how DescriptorStandardizer brings them to one scale.
PARTS = {"shells": 8, "spectrum": 16, "harmonics": 60, "moments": 6, "form": 8}
COMPRESSION = 4
FORM_SCALE = 0.25
LEAST_SCALE = 0.05
PLACES = 256

DEFAULT = ["shells", "spectrum", "harmonics"]
UNWEIGHTED = "the three, unweighted"
CANDIDATES = {
    "shells": ["shells"], "spectrum": ["spectrum"], "harmonics": ["harmonics"], UNWEIGHTED: DEFAULT,
    "the three, weighted (the default)": DEFAULT, "form": ["form"], "all, weighted": list(PARTS)}
FILAMENTS = {"actin", "microtubule"}
# Diameters in Å.
LEAST = {"simulate": 90, "second": 150, "third": 150}
COUNTED = 150
# The greatest tilt of `cellar simulate`, in degrees; 90 is no wedge. The third simulator says its own.
TILTS = {"simulate": 60, "second": 90}
WITHIN_TOMOGRAMS = {"third"}
COMPONENTS = 8
FIGURES = {
    "ari_found": "ARI, found", "kinds_found": "kinds found", "ari_kmeans": "ARI, k-means", "ari_mixture": "ARI, mixture",
    "within_between": "within ÷ between"}


@dataclasses.dataclass(frozen=True)
class Described:
    """The particles of one tomogram, or of several."""

    name: str
    # Standardised components, [particle][component].
    rows: np.ndarray
    kinds: np.ndarray
    # Whether a particle counts in the figures.
    counts: np.ndarray

    def tally(self):
        return {str(kind): int(count) for kind, count in zip(*np.unique(self.kinds, return_counts=True))}


# Descriptors


def program(options, *arguments):
    result = subprocess.run([str(options.program), *map(str, arguments)], capture_output=True, text=True)
    if result.returncode:
        raise SystemExit(f"{options.program.name} {' '.join(map(str, arguments))}: {result.stderr}{result.stdout}")
    return result.stdout


def truth(tomogram, data, shape, voxel):
    """Places (z, y, x in voxels), kinds and diameters in Å of the particles that are described."""
    with open(tomogram.volume.parent / f"truth/{tomogram.name}_particles.csv") as file:
        rows = list(csv.DictReader(file))
    places = np.array([[float(row[f"{axis}_angstrom"]) / voxel for axis in "zyx"] for row in rows]).reshape(-1, 3)
    diameters = np.array([2 * float(row["radius_angstrom"]) for row in rows])
    kinds = np.array([row["class"] for row in rows], dtype=str)
    inside = ((places > -0.5) & (places < np.array(shape) - 0.5)).all(1)
    chosen = inside & (diameters >= LEAST[data]) & ~np.isin(kinds, list(FILAMENTS))
    return places[chosen], kinds[chosen], diameters[chosen]


def greatest_tilt(tomogram, data):
    if data in TILTS:
        return TILTS[data]
    facts = json.loads((tomogram.volume.parent / f"truth/{tomogram.name}.json").read_text())
    return max(map(abs, facts["tilts"]))


def described(options, tomogram, data):
    """The particles of a tomogram."""
    with mrcfile.open(tomogram.volume, permissive=True) as file:
        # Particles are dark in all three simulators, and bright to the program.
        volume, voxel = -file.data.astype(np.float32), float(file.voxel_size.x)
    volume = (volume - volume.mean()) / volume.std()
    places, kinds, diameters = truth(tomogram, data, volume.shape, voxel)
    random = np.random.default_rng(0)
    centres = np.concatenate([np.rint(places).astype(int), random.integers(0, volume.shape, (PLACES, 3))])
    side = int(program(options, "side", voxel, options.radius))
    # Beyond the faces of the tomogram is its mirror image, as for the step.
    padded = np.pad(volume, side // 2, mode="symmetric")
    with tempfile.TemporaryDirectory() as folder:
        boxes, rows = f"{folder}/boxes", f"{folder}/rows"
        with open(boxes, "wb") as file:
            for z, y, x in centres:
                padded[z:z + side, y:y + side, x:x + side].astype("<f4").tofile(file)
        program(options, "describe", boxes, rows, voxel, options.radius, greatest_tilt(tomogram, data), ",".join(PARTS))
        numbers = np.fromfile(rows, "<f4").astype(float)
    if numbers.size != len(centres) * sum(PARTS.values()):
        raise SystemExit(f"{options.program.name}: {numbers.size} numbers for {len(centres)} boxes, not {sum(PARTS.values())} for each")
    numbers = numbers.reshape(len(centres), -1)
    rows = standardised(numbers[:len(places)], numbers[len(places):])
    # Tomograms of different seeds may have one name.
    return Described(f"{tomogram.volume.parent.name}/{tomogram.name}", rows, kinds, diameters >= COUNTED)


def columns(part):
    first = sum(count for name, count in PARTS.items() if list(PARTS).index(name) < list(PARTS).index(part))
    return slice(first, first + PARTS[part])


def standardised(rows, reference):
    """Rows on the scale of reference rows, as DescriptorStandardizer has it."""
    centres = np.median(reference, 0)
    scales = 1.4826 * np.median(np.abs(reference - centres), 0)
    weights = np.concatenate([np.full(count, count**-0.5) for count in PARTS.values()])
    for part in PARTS:
        own = scales[columns(part)]
        scales[columns(part)] = np.maximum(own, LEAST_SCALE * np.median(own[own > 0]) if (own > 0).any() else 1)
    centres[columns("form")], scales[columns("form")] = 0, FORM_SCALE
    return weights * COMPRESSION * np.arcsinh((rows - centres) / scales / COMPRESSION)


# Figures


def within_between(rows, kinds):
    """The median distance within a kind over that to other kinds; the mean over kinds, nan where none can be compared."""
    ratios = []
    for kind in np.unique(kinds):
        own, others = rows[kinds == kind], rows[kinds != kind]
        if len(own) >= 4 and len(others):
            within = cdist(own, own)[~np.eye(len(own), dtype=bool)]
            ratios.append(np.median(within) / np.median(cdist(own, others)))
    return float(np.mean(ratios)) if ratios else np.nan


def clusters(rows, count):
    """Each particle's cluster, by k-means and by the mixture."""
    centred = rows - rows.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:COMPONENTS]
    points = centred @ axes.T
    mixture = GaussianMixture(count, covariance_type="tied", n_init=3, reg_covar=1e-3 * points.var(0).mean(), random_state=1)
    return KMeans(count, n_init=6, random_state=1).fit_predict(points), mixture.fit_predict(points)


def found(options, rows):
    """Each particle's kind as the program finds it, which is not told how many there are; 0 is none."""
    with tempfile.TemporaryDirectory() as folder:
        rows.astype("<f4").tofile(f"{folder}/rows")
        program(options, "kinds", f"{folder}/rows", rows.shape[1], f"{folder}/kinds")
        return np.fromfile(f"{folder}/kinds", "<i4")


def figures(options, group, candidate):
    # Rows have the weights of parts, which the root of a part's count takes away.
    weights = {part: PARTS[part]**0.5 if candidate == UNWEIGHTED else 1 for part in CANDIDATES[candidate]}
    rows = np.concatenate([weight * group.rows[:, columns(part)] for part, weight in weights.items()], 1)
    counts = group.counts
    kmeans, mixture = clusters(rows, len(np.unique(group.kinds)))
    # The program refuses fewer than twenty.
    own = found(options, rows) if len(rows) >= 20 else np.ones(len(rows), int)
    return {
        "ari_found": float(adjusted_rand_score(group.kinds[counts], own[counts])),
        "kinds_found": float(len(set(own) - {0})),
        "ari_kmeans": float(adjusted_rand_score(group.kinds[counts], kmeans[counts])),
        "ari_mixture": float(adjusted_rand_score(group.kinds[counts], mixture[counts])),
        "within_between": within_between(rows[counts], group.kinds[counts])}


def groups(data, tomograms):
    """What is clustered together; without groups that have one kind only, or fewer than two particles for each of their kinds."""
    if data not in WITHIN_TOMOGRAMS:
        joined = [np.concatenate([getattr(one, field) for one in tomograms]) for field in ("rows", "kinds", "counts")]
        tomograms = [Described("all", *joined)]
    return [one for one in tomograms
            if len(np.unique(one.kinds[one.counts])) > 1 and len(one.kinds) >= max(COMPONENTS, 2 * len(np.unique(one.kinds)))]


def reported(options, data, ratio, tomograms):
    """Prints the rows of a simulator and ratio; the same for the file of figures."""
    rows, kept = [], groups(data, tomograms)
    particles, kinds = sum(int(one.counts.sum()) for one in kept), [len(np.unique(one.kinds)) for one in kept]
    for name, parts in CANDIDATES.items():
        of_groups = {one.name: figures(options, one, name) for one in kept}
        means = {}
        for figure in FIGURES:
            known = [values[figure] for values in of_groups.values() if not np.isnan(values[figure])]
            means[figure] = float(np.mean(known)) if known else None
        # Without a sign before zero.
        cells = ["" if means[figure] is None else f"{round(means[figure], 2) + 0.0:.2f}" for figure in FIGURES]
        said = f"{min(kinds)}–{max(kinds)}" if len(set(kinds)) > 1 else "".join(map(str, kinds[:1]))
        size = sum(PARTS[part] for part in parts)
        print(f"| {data} | {ratio} | {name} | {size} | {particles} | {said} | {' | '.join(cells)} |", flush=True)
        # A figure that there is none of is null.
        of_groups = {group: {key: None if np.isnan(value) else value for key, value in values.items()} for group, values in of_groups.items()}
        rows.append({"data": data, "snr": ratio, "candidate": name, "parts": parts, "particles": particles, "means": means, "groups": of_groups})
    return rows, {one.name: one.tally() for one in tomograms}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--collections", default="simulate,second,third")
    parser.add_argument("--snr", default="0.5,0.2,0.1")
    parser.add_argument("--seeds", default="301", help="of collections: their first tomograms'")
    parser.add_argument("--tomograms", type=int, default=6)
    parser.add_argument("--size", default="256,256,64")
    parser.add_argument("--radius", type=float, default=115, help="of a descriptor, in Å")
    parser.add_argument("--templates", type=lambda path: pathlib.Path(path).resolve())
    options = parser.parse_args()
    asked = options.collections.split(",")
    if unknown := set(asked) - set(LEAST):
        parser.error(f"--collections: {', '.join(sorted(unknown))} is none of {', '.join(LEAST)}")
    if "simulate" in asked and not options.cellar:
        parser.error("simulate needs --cellar, the program that makes its tomograms")
    for path in filter(None, (options.program, options.cellar)):
        if not path.is_file():
            parser.error(f"there is no program {path}")
    # Nothing is labelled here.
    options.labelled, options.slices = 0, "0,0"
    digest = hashlib.sha256(options.program.read_bytes()).hexdigest()[:12]
    facts = {key: str(value) for key, value in vars(options).items()} | {"digest": digest}
    together = {}
    for collection in collections(options):
        together.setdefault((collection.data, collection.ratio), []).extend(collection.tomograms)
    names = ["data", "SNR", "parts", "components", "particles counted", "kinds", *FIGURES.values()]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    rows, tallies = [], {}
    for (data, ratio), tomograms in together.items():
        of_ratio, tally = reported(options, data, ratio, [described(options, tomogram, data) for tomogram in tomograms])
        rows += of_ratio
        tallies[f"{data} {ratio}"] = tally
        (options.folder / "kinds.json").write_text(json.dumps({"options": facts, "rows": rows, "kinds": tallies}, indent=1) + "\n")


if __name__ == "__main__":
    main()
