"""A third simulator, with real protein densities and real tilt images, to measure on; nothing is trained on it.

    python third_simulator.py FOLDER [--seeds 101,102] [--ratios 0.5,0.1] [--size 256,256,64] [--voxel-size 12] [--templates FOLDER]

A film of ice with rough, tilted surfaces holds membranes (ellipsoids, tori, sheets, single or double, pushed out of shape by a random
field), complexes of many kinds, whose densities are PolNet's templates of PDB entries turned at random and resampled, added one by one until a
drawn part of the film is full, and a texture of single proteins, which are no truth. The film is projected at every tilt, with more of it
seen at high tilts (mirrored beyond the sides); each image has its own defocus and astigmatism, loses fine detail with the dose before it
(Grant, Grigorieff, eLife 4:e06980, 2015), and lies off by a small shift, turn and tilt; electrons are counted (Poisson, and noise of
reading). The images are phase flipped or not, weighted by |k_x|, and back-projected. Not simulated: filaments, gold, multiple scattering,
a defocus gradient, and everything that is thinner than a voxel in a protein.

The ratio is, as in second_simulator.py, the variance of the tomogram without noise (here the reconstruction of what electrons would show if
there were infinitely many, alignment errors included) over the variance of the noise in it, both over all voxels; the dose is chosen to
give it, and the sidecar says what was measured. Structures are dark.

FOLDER receives for each seed and ratio `third_SEED_RATIO.mrc` and in `truth/` the files that `cellar simulate` gives: `NAME_labels.mrc` (1 membrane,
2 particle of at least 20 nm, 3 smaller particle), `NAME_particles.csv` (class is the PDB code; the radius is that of a ball of its volume, holes
included) and `NAME.json`. The label of a membrane reaches from outer head groups to outer head groups. The same seed gives the same bits, and the
same scene at all ratios. Needs numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4.
"""

import argparse
import csv
import json
import pathlib
import warnings

import mrcfile
import numpy as np
from scipy import ndimage
from scipy.special import erf
from tilt_series import MARGIN, Microscope

TEMPLATES = pathlib.Path("shared/data/anmartinezs+polnet/data/templates/mrcs_10A")
# Equivalent diameters, holes included, from 10 to 24 nm. 4v7r is left out: its map has lost its mean.
KINDS = (
    "4v4r 6qzp 5mrc 2uv8 4v94 8tux 4v4r_50S 4cr2 3ipm 4v4r_30S 6utj 3j9i 7n4y 6pxm 1f4a 1qvr 3cf3 1bxn 1u6g 3d2f 2cg9").split()
LARGE = 200.0
MEMBRANE, LARGE_PARTICLE, SMALL_PARTICLE = 1, 2, 3
# Relative to ice, in units of protein's potential.
VACUUM = -2.0


class Template:
    """A protein's density with 1 for its usual inside, `[z][y][x]` about its centre of mass, at its file's voxel size."""

    def __init__(self, path, voxel):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with mrcfile.open(path, permissive=True) as file:
                density, self.voxel = np.maximum(file.data.astype(np.float32), 0), float(file.voxel_size.x)
        body = density > 0.1 * np.percentile(density, 99.9)
        density = density / np.percentile(density[body], 75)
        self.centre = np.array(ndimage.center_of_mass(density * body))
        self.reach = np.linalg.norm(np.argwhere(body) - self.centre, axis=1).max() * self.voxel
        solid = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(body, 4), iterations=3))
        self.radius = (0.75 * solid.sum() / np.pi) ** (1 / 3) * self.voxel
        # No finer than the voxels that it goes to.
        self.density = ndimage.gaussian_filter(density, 0.4 * max(voxel / self.voxel, 0.5))
        self.name = path.stem

    def turned(self, turn, shift, voxel):
        """The density under a rotation, in a cube of voxels whose middle one is `shift` (z, y, x in voxels) off the centre of mass."""
        half = int(np.ceil(self.reach / voxel)) + 2
        matrix = turn * (voxel / self.voxel)
        offset = self.centre - matrix @ (half + shift)
        return ndimage.affine_transform(self.density, matrix, offset, (2 * half + 1,) * 3, order=1)


def random_turn(random):
    w, x, y, z = (lambda q: q / np.linalg.norm(q))(random.standard_normal(4))
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]])


def smooth_field(random, shape, knots):
    """A random field of standard deviation 1 or so, between `knots` values along each axis."""
    values = random.standard_normal(knots).astype(np.float32)
    zoom = [length / knot for length, knot in zip(shape, knots)]
    return ndimage.zoom(values, zoom, order=3, mode="nearest", grid_mode=True)[tuple(map(slice, shape))]


class Scene:
    """Density of protein is 1, of ice 0. All arrays `[z][y][x]`, with a margin in x and y."""

    def __init__(self, random, size, voxel, templates):
        self.random, self.voxel = random, voxel
        self.shape = (size[2], size[1] + 2 * MARGIN, size[0] + 2 * MARGIN)
        self.density = np.zeros(self.shape, np.float32)
        self.labels = np.zeros(self.shape, np.uint8)
        self.grid = [((np.arange(n, dtype=np.float32) - (n - 1) / 2) * voxel).reshape(np.roll((-1, 1, 1), axis))
                     for axis, n in enumerate(self.shape)]
        self.particles, self.facts = [], {}
        self._film()
        for _ in range(random.integers(1, 7)):
            self._membrane()
        self._complexes(templates)
        self._texture()
        self.density = np.where(self.inside, self.density, VACUUM).astype(np.float32)

    def _film(self):
        depth, random = self.shape[0] * self.voxel, self.random
        slope = random.normal(0, 0.03, 2)
        waves = [10 * smooth_field(random, self.shape[1:], (5, 5)) for _ in range(2)]
        half = depth * random.uniform(0.36, 0.49)
        z, y, x = self.grid
        plane = slope[0] * y + slope[1] * x
        self.inside = (z - plane - waves[0] < half) & (z - plane - waves[1] > -half)
        self.facts["film_angstrom"] = 2 * half

    def _membrane(self):
        """Adds a membrane, or none where it would cross another one."""
        random, (z, y, x) = self.random, self.grid
        extent = np.array([n * self.voxel / 2 for n in self.shape])
        centre = random.uniform(-0.9, 0.9, 3) * extent * (0.5, 1, 1)
        turn = random_turn(random)
        u, v, w = (turn[i, 0] * (z - centre[0]) + turn[i, 1] * (y - centre[1]) + turn[i, 2] * (x - centre[2]) for i in range(3))
        kind = random.choice(["ellipsoid", "torus", "sheet"], p=[0.6, 0.15, 0.25])
        if kind == "ellipsoid":
            radii = np.exp(random.uniform(np.log(180), np.log(900))) * random.uniform(0.6, 1.4, 3)
            near = np.sqrt(sum((c / r) ** 2 for c, r in zip((u, v, w), radii)))
            steep = np.sqrt(sum((c / r**2) ** 2 for c, r in zip((u, v, w), radii)))
            distance = near * (near - 1) / np.maximum(steep, 1e-9)
        elif kind == "torus":
            large = random.uniform(350, 900)
            distance = np.hypot(np.hypot(u, v) - large, w) - large * random.uniform(0.25, 0.6)
        else:
            bends = random.normal(0, 1 / 3000, 2)
            distance = w - (bends[0] * u**2 + bends[1] * v**2) / 2
        distance += random.uniform(5, 45) * smooth_field(random, self.shape, (4, 9, 9))
        distance /= np.clip(np.sqrt(sum(g**2 for g in np.gradient(distance, self.voxel))), 0.5, 2)
        surfaces = [distance]
        if random.random() < 0.3:
            surfaces.append(distance - random.uniform(120, 300))
        heads, strength = random.uniform(14, 22), random.uniform(0.35, 0.95)
        labels = np.logical_or.reduce([np.abs(d) <= heads + 7 for d in surfaces]) & self.inside
        if not labels.any() or (labels & (self.labels > 0)).sum() > 0.02 * labels.sum():
            return
        for d in surfaces:
            self.density += strength * self._bilayer(d, heads) * (np.abs(d) < 120)
        self.labels[labels] = MEMBRANE
        self.facts.setdefault("membranes", []).append(kind)

    def _bilayer(self, distance, heads):
        """Boxes of heads (12 Å), tails and proteins in both, with soft edges, averaged over a voxel."""
        soft = np.sqrt(2 * (4.0**2 + self.voxel**2 / 12))
        box = lambda low, high: 0.5 * (erf((distance - low) / soft) - erf((distance - high) / soft))
        outer, inner = heads + 6, heads - 6
        return 1.15 * box(inner, outer) + 0.9 * box(-outer, -inner) - 0.15 * box(-inner, inner) + 0.2 * box(-outer - 12, outer + 12)

    def _complexes(self, templates):
        random, film = self.random, int(self.inside.sum())
        fraction, share = random.uniform(0.02, 0.22), random.uniform(0.2, 0.6)
        large = [t for t in templates if 2 * t.radius >= LARGE]
        small = [t for t in templates if 2 * t.radius < LARGE]
        occupied = ~self.inside | (self.labels == MEMBRANE)
        self.facts["fraction_drawn"], filled = fraction, 0
        for group, count, until in ((large, random.integers(1, 5), share), (small, random.integers(3, 9), 1.0)):
            kinds = random.choice(len(group), min(count, len(group)), replace=False)
            failures = 0
            while filled < until * fraction * film and failures < 400:
                added = self._place(group[kinds[random.integers(len(kinds))]], occupied)
                filled += added
                failures = 0 if added else failures + 1
        self.facts["fraction"] = filled / film

    def _place(self, template, occupied):
        """Adds a particle where it touches nothing; how many voxels it has, 0 where there was no room."""
        random = self.random
        at = random.uniform(0, 1, 3) * (np.array(self.shape) - 1)
        turn = random_turn(random)
        whole = np.rint(at).astype(int)
        half = int(np.ceil(template.reach / self.voxel)) + 2
        low, high = whole - half, whole + half + 1
        if occupied[tuple(whole)] or low[0] < 0 or high[0] > self.shape[0]:
            return 0
        clip = tuple(slice(max(0, a), min(n, b)) for a, b, n in zip(low, high, self.shape))
        cube = template.turned(turn, at - whole, self.voxel)[
            tuple(slice(c.start - a, c.stop - a) for c, a in zip(clip, low))]
        body = cube > 0.3
        if (occupied[clip] & body).any():
            return 0
        self.density[clip] += cube
        occupied[clip] |= body
        is_large = 2 * template.radius >= LARGE
        self.labels[clip][body] = LARGE_PARTICLE if is_large else SMALL_PARTICLE
        self.particles.append((*(at[::-1] - (MARGIN, MARGIN, 0)) * self.voxel, template.name, template.radius))
        return int(body.sum())

    def _texture(self):
        """Single proteins, of 4 and 6 nm, as blurred points between everything else."""
        for diameter in (40, 60):
            part = self.random.uniform(0, 0.04)
            expected = part * self.voxel**3 / (np.pi / 6 * diameter**3)
            points = self.random.poisson(expected, self.shape).astype(np.float32) * (np.pi / 6 * diameter**3) / self.voxel**3
            blurred = ndimage.gaussian_filter(points, 0.3 * diameter / self.voxel)
            self.density += np.where(self.labels == 0, blurred, 0)


def write(folder, seed, ratios, size=(256, 256, 64), voxel=12.0, templates=None):
    """Writes a tomogram for each ratio; their names.

    256 × 256 × 64 voxels at two ratios took 9 s of one core.
    """
    folder = pathlib.Path(folder)
    paths = [(templates or found_templates()) / f"{kind}.mrc" for kind in KINDS]
    scene = Scene(np.random.default_rng([91, seed]), size, voxel, [Template(path, voxel) for path in paths])
    microscope = Microscope(np.random.default_rng([92, seed]), scene.shape, voxel)
    images = microscope.images(scene.density)
    clean = microscope.reconstruction(images)
    # The noise of a dose of 10⁴ tells that of any other.
    known = microscope.reconstruction(microscope.electrons(images, np.random.default_rng([93, seed]), 1e4)).var() * 1e4
    inner = (slice(None), slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    lengths = np.array(size) * voxel
    inside = [row for row in scene.particles if all(0 <= c < length for c, length in zip(row[:3], lengths))]
    names = []
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    for ratio in ratios:
        dose = known * ratio / clean.var()
        noise = microscope.reconstruction(microscope.electrons(images, np.random.default_rng([94, seed, round(ratio * 1e6)]), dose))
        name = f"third_{seed}_{ratio}"
        save(folder / f"{name}.mrc", ((clean + noise - clean.mean()) / clean.std()).astype(np.float32), voxel)
        save(folder / f"truth/{name}_labels.mrc", scene.labels[inner], voxel)
        with open(folder / f"truth/{name}_particles.csv", "w", newline="") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["x_angstrom", "y_angstrom", "z_angstrom", "class", "radius_angstrom"])
            table.writerows([*(f"{value:.2f}" for value in row[:3]), row[3], f"{row[4]:.1f}"] for row in inside)
        facts = {
            "seed": seed, "ratio": ratio, "ratio_measured": float(clean.var() / noise.var()), "electrons_per_square_angstrom": float(
                dose * len(images) / voxel**2), "tilts": microscope.tilts.tolist(), "defocus_angstrom": microscope.defocus.tolist(),
            "phase_flipped": microscope.is_flipped, "voxel_size_angstrom": voxel, **scene.facts}
        (folder / f"truth/{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        names.append(name)
    return names


def save(path, values, voxel):
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(values)
        file.voxel_size = voxel
        # Else the time of writing stands there.
        file.header.label, file.header.nlabl = b"", 0


def found_templates():
    """The folder `../shared/data/…` beside the repository, or beside a folder above it."""
    for folder in pathlib.Path(__file__).resolve().parents:
        if (folder / TEMPLATES).is_dir():
            return folder / TEMPLATES
    raise SystemExit(f"there is no folder {TEMPLATES} beside the repository: name one with --templates")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seeds", default="101,102,103,104")
    parser.add_argument("--ratios", default="0.5,0.2,0.1")
    parser.add_argument("--size", default="256,256,64", help="x,y,z in voxels")
    parser.add_argument("--voxel-size", type=float, default=12.0)
    parser.add_argument("--templates", type=pathlib.Path)
    options = parser.parse_args()
    for seed in map(int, options.seeds.split(",")):
        for name in write(
                options.folder, seed, list(map(float, options.ratios.split(","))), tuple(map(int, options.size.split(","))),
                options.voxel_size, options.templates):
            print(name, flush=True)
