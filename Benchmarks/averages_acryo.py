"""Averages of particles by Cellar beside acryo, a package for subtomogram averaging in Python: the same boxes, of `averages.py`.

    python averages_acryo.py MINING_BENCHMARK FOLDER [--seed 11] [--count 200] [--snr 0.2] [--template 4v4r] [--resolution 50]
        [--restarts 0] [--rotations 600] [--templates FOLDER]

MINING_BENCHMARK is the program; FOLDER receives boxes and averages. Cellar makes its first reference from the boxes. acryo
has no way to do so, and receives the template itself, cut at `--resolution` in Å: that favours acryo. With `--restarts` above
0 it receives single boxes instead, as many as that, each of which up to 48 boxes are aligned to four times, and the one that
fits best is taken.

acryo searches from coarse to fine with its score ZNCCAlignment, in one thread: all rotations in voxels of 30 Å, then those
near the last ones at steps of 10 … 1.25° in voxels of 20 and 10 Å, with the average of the last round as the template.
Rotations are searched with shifts of whole voxels, by its `construct_landscape`, and shifts are then refined by its `align`:
`align` with rotations refines the shift for each of them, which takes most of its time in small boxes. PCCAlignment is
faster, and finds worse rotations.

For each program one row is printed: the correlation of the average with the template, and errors, as `averages.py` has them;
seconds by the clock and of processor, without the making of boxes and the start of Python.
Needs acryo 0.9.1 (dask 2026.8.0, polars 2.1.0), numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4.
"""

import os
import resource
import sys
import time

# Before NumPy is loaded.
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")})

import dask
import numpy as np
from scipy.spatial.transform import Rotation

import acryo
from acryo.alignment import ZNCCAlignment
from acryo.tilt import single_axis
from averages import MOVED, VOXEL, agreement, arguments, averaged, boxes, errors

# How many voxels of the boxes are one of the search of all rotations, along an axis.
COARSE = 3
# Of each round after it: the step of rotations in degrees, how many to each side, how many voxels are one, the cutoff in Å.
LOCAL = [(10, 2, 2, 45), (5, 1, 2, 45), (2.5, 1, 1, 30), (1.25, 1, 1, 25)]


def covering(count):
    """Rotations that cover all evenly: a spiral on the unit quaternions (M. Alexa, *Super-Fibonacci spirals*, CVPR (2022))."""
    place = np.arange(count) + 0.5
    inner, outer = np.sqrt(place / count), np.sqrt(1 - place / count)
    first, second = 2 * np.pi * place / np.sqrt(2), 2 * np.pi * place / 1.533751168755204288118041
    return Rotation.from_quat(np.c_[inner * np.sin(first), inner * np.cos(first), outer * np.sin(second), outer * np.cos(second)])


def around(step, sides):
    """Rotations near none, those about all axes."""
    steps = np.arange(-sides, sides + 1) * step
    return Rotation.from_rotvec(np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3), degrees=True)


def low(volume, resolution):
    frequency = np.sqrt(sum(axis**2 for axis in np.meshgrid(*[np.fft.fftfreq(side) for side in volume.shape], indexing="ij")))
    return np.fft.ifftn(np.fft.fftn(volume) * (frequency <= VOXEL / resolution)).real.astype(np.float32)


def ball(side, radius, softness):
    distance = np.sqrt(((np.indices((side,) * 3) - (side - 1) / 2) ** 2).sum(0))
    return np.clip((radius - distance) / softness + 0.5, 0, 1).astype(np.float32)


class Peer:
    """acryo's search for how particles lie; `loader` knows their poses."""

    def __init__(self, made, options):
        self.options = options
        count, self.side = len(made), options.side - 1
        # Boxes lie above each other in one tomogram. acryo turns about the middle, which is a voxel where a side is odd.
        middle = options.side // 2
        self.start = np.array([[options.side * index + middle, middle, middle] for index in range(count)], float)
        self.loader = acryo.SubtomogramLoader(
            made.reshape(-1, options.side, options.side), acryo.Molecules(self.start * VOXEL), order=3, scale=VOXEL,
            output_shape=(self.side,) * 3, tilt_model=single_axis((-options.tilt, options.tilt), axis="y"))

    def average(self, loader, bins=1):
        side = self.side // bins
        return (loader.binning(bins) if bins > 1 else loader).average((side,) * 3, wedge_weighting=True)

    def mask(self, bins):
        return ball(self.side // bins, self.options.radius / VOXEL / bins, 3 / bins)

    def binned(self, volume, bins):
        """A volume as the loader would give it in larger voxels."""
        padded = np.pad(volume, 1, mode="edge")
        middle = acryo.Molecules([[(len(padded) - 1) / 2 * VOXEL] * 3])
        return acryo.SubtomogramLoader(padded, middle, scale=VOXEL).binning(bins).average((self.side // bins,) * 3)

    def search(self, loader, template, rotations, bins, resolution):
        """The best rotation and shift of each box, in voxels that are `bins` times larger; and the mean score."""
        small = loader.binning(bins) if bins > 1 else loader
        reach = int(np.ceil(MOVED / bins)) if len(rotations) > 200 else 1
        given = {"mask": self.mask(bins), "alignment_model": ZNCCAlignment, "cutoff": VOXEL * bins / resolution}
        scores = small.construct_landscape(template, max_shifts=reach * small.scale, rotations=rotations, **given).compute()
        best = scores.reshape(len(scores), -1).argmax(1)
        rotation, *shift = np.unravel_index(best, scores.shape[1:])
        moved = small.molecules.spatial_transform((np.stack(shift, 1) - reach) * small.scale, rotations[rotation])
        refined = small.replace(molecules=moved).align(template, max_shifts=small.scale, **given)
        # The loader of large voxels counts from the middle of its first one.
        found = loader.replace(molecules=refined.molecules.translate([(bins - 1) / 2 * VOXEL] * 3))
        return found, scores.reshape(len(scores), -1).max(1).mean()

    def first(self, rotations):
        """A reference made of boxes alone: single boxes, and averages of those that are aligned to them."""
        random = np.random.default_rng(self.options.seed)
        chosen = random.permutation(len(self.start))[:48]
        few = self.loader.replace(molecules=self.loader.molecules.subset(chosen))
        tried = []
        for place in range(self.options.restarts):
            template = self.average(few.replace(molecules=few.molecules.subset([place])), COARSE)
            for _ in range(4):
                found, score = self.search(few, template, rotations, COARSE, 70)
                template = self.average(found, COARSE)
            tried.append((score, template))
        return max(tried, key=lambda pair: pair[0])[1]

    def run(self, template):
        rotations = covering(self.options.rotations)
        template = self.binned(template, COARSE) if template is not None else self.first(covering(self.options.rotations // 2))
        loader, _ = self.search(self.loader, template, rotations, COARSE, max(self.options.resolution, 2 * COARSE * VOXEL))
        for step, sides, bins, resolution in LOCAL:
            print(f"{step}°: {time.process_time():.0f} s of processor", file=sys.stderr)
            loader, _ = self.search(loader, self.average(loader, bins), around(step, sides), bins, resolution)
        # acryo's axes are z, y, x.
        turned = Rotation.from_matrix(loader.molecules.rotator.as_matrix()[:, ::-1, ::-1]).as_quat()
        shift = (loader.molecules.pos / VOXEL - self.start)[:, ::-1]
        return np.pad(self.average(loader), ((1, 0),) * 3, mode="edge"), np.c_[turned, shift]


def timed(function):
    """What a function returns, its seconds by the clock, and those of processor, with its children."""

    def used():
        return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))

    began, before = time.time(), used()
    result = function()
    return result, time.time() - began, used() - before


def main():
    parser = arguments()
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--resolution", type=float, default=50)
    parser.add_argument("--restarts", type=int, default=0)
    parser.add_argument("--rotations", type=int, default=600)
    options = parser.parse_args()
    dask.config.set(scheduler="synchronous")
    made, truth, template = boxes(options, options.seed)

    def own():
        return averaged(options, made, options.seed)[:2]

    def peer():
        return Peer(made, options).run(None if options.restarts else low(template, options.resolution)[1:, 1:, 1:])

    given = "from boxes" if options.restarts else f"given the template at {options.resolution:g} Å"
    print("| program | particles | correlation | median error of rotations, ° | of shifts, voxels | seconds | of processor |")
    print("|---|---|---|---|---|---|---|")
    for name, function in (("Cellar, from boxes", own), (f"acryo {acryo.__version__}, {given}", peer)):
        (average, found), seconds, processor = timed(function)
        average.astype(np.float32).tofile(options.folder / f"{options.seed}-{name.split()[0].strip(',').lower()}.average")
        degrees, voxels, frame = errors(truth, found)
        print(
            f"| {name} | {len(made)} | {agreement(average, template, frame):.4f} | {np.median(degrees):.2f} | "
            f"{np.median(voxels[degrees < 20]):.2f} | {seconds:.0f} | {processor:.0f} |", flush=True)


if __name__ == "__main__":
    main()
