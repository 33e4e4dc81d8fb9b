"""The collections that carry_over.py measures on, made where they are not there yet: tomograms, membranes and particles."""

import dataclasses
import gzip
import pathlib
import shutil
import sys

import mrcfile
import numpy as np
from comparison import particles, runner

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "builtin"))

# Diameters in Å of each size, and what a table calls it.
SIZES = {"large": (200, np.inf, "≥ 20 nm"), "small": (100, 200, "10–20 nm")}
POLNET = "shared/data/polnet-1.1.2"


@dataclasses.dataclass(frozen=True)
class Tomogram:
    name: str
    volume: pathlib.Path
    # 1 is membrane.
    labels: pathlib.Path
    # x, y, z and radius in Å.
    centres: np.ndarray
    radii: np.ndarray
    # A key of SIZES, or "" for what is smaller.
    sizes: np.ndarray

    def of(self, size):
        chosen = self.sizes == size
        return self.centres[chosen], self.radii[chosen]

    def read_labels(self):
        with mrcfile.open(self.labels) as file:
            return (file.data == 1).astype(np.uint8), float(file.voxel_size.x)


@dataclasses.dataclass(frozen=True)
class Collection:
    # Its folder's.
    name: str
    data: str
    ratio: str
    tomograms: tuple
    labelled: int
    slices: tuple


def size_of(radius):
    return next((name for name, (low, high, _) in SIZES.items() if low <= 2 * radius < high), "")


def from_truth(folder, name, classes=None):
    """A tomogram of a simulator that leaves files as `cellar simulate` does."""
    centres, radii = particles(folder / f"truth/{name}_particles.csv", classes)
    return Tomogram(
        name, folder / f"{name}.mrc", folder / f"truth/{name}_labels.mrc", centres, radii, np.array([size_of(r) for r in radii]))


def simulated(options, data, ratio, seed, folder):
    """Makes the tomograms of a simulator where they are not there yet; what makes them is imported only where it is needed."""
    size = tuple(map(int, options.size.split(",")))
    seeds = range(int(seed), int(seed) + options.tomograms)
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if data == "simulate":
            runner(options.cellar, part)(
                "simulate", str(part), "--tomograms", str(options.tomograms), "--size", options.size, "--seed", seed, "--snr", ratio)
        elif data == "second":
            import second_simulator

            for one in seeds:
                second_simulator.write_volume(part, one, float(ratio), size)
        else:
            import third_simulator

            for one in seeds:
                third_simulator.write(part, one, [float(ratio)], size, templates=options.templates)
        part.rename(folder)
    if data == "simulate":
        return [from_truth(folder, f"tomo_{number:02}", classes={"ribosome", "proteasome", "complex"})
                for number in range(1, options.tomograms + 1)]
    return [from_truth(folder, f"{data}_{one}_{float(ratio)}") for one in seeds]


def polnet(source, folder):
    """PolNet's tomograms; what it calls large is (it counts the volume, its radius is that of the farthest voxel)."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("t??.mrc")):
        labels = folder / f"{path.stem}_labels.mrc"
        if not labels.exists():
            labels.with_suffix(".part").write_bytes(gzip.decompress((source / f"{path.stem}_labels.mrc.gz").read_bytes()))
            labels.with_suffix(".part").rename(labels)
        with mrcfile.open(labels) as file:
            voxel = float(file.voxel_size.x)
        rows = np.genfromtxt(source / f"{path.stem}_points.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
        radii = rows["radius"] * voxel
        sizes = np.array(["large" if row["label"] == 2 else "small" if 2 * radius >= SIZES["small"][0] else ""
                          for row, radius in zip(rows, radii)])
        yield Tomogram(path.stem, path, labels, np.stack([rows[axis] for axis in "xyz"], 1) * voxel, radii, sizes)


def collections(options):
    slices = tuple(map(int, options.slices.split(",")))
    for data in options.collections.split(","):
        if data == "polnet":
            source = (options.polnet or beside_the_repository(POLNET)) / "snr0.5"
            found = tuple(polnet(source, options.folder / "collections/polnet"))
            yield Collection("polnet", "polnet", "0.5", found, 2, (30, 70))
            continue
        for ratio in options.snr.split(","):
            for seed in options.seeds.split(","):
                folder = options.folder / f"collections/{data}_{ratio}_{seed}_{options.tomograms}_{options.size.replace(',', '_')}"
                found = tuple(simulated(options, data, ratio, seed, folder))
                yield Collection(folder.name, data, ratio, found, options.labelled, slices)


def beside_the_repository(name):
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / name).is_dir():
            return folder / name
    raise SystemExit(f"there is no folder {name} beside the repository: name one with --{name.split('/')[-1].split('-')[0]}")
