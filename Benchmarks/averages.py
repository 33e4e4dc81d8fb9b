"""How good averages of particles are: a template turned at random, behind a wedge and noise, aligned and averaged without a reference.

    python averages.py MINING_BENCHMARK FOLDER [--seeds 11,12] [--snr 0.2] [--template 4v4r] [--count 200] [--side 36] [--tilt 60]
        [--radius 140] [--templates FOLDER]

MINING_BENCHMARK is the program; FOLDER receives boxes and averages. Boxes of voxels of 10 Å hold PolNet's template (../shared/data) at random
rotations, moved by up to 2 voxels; noise is white, behind the same wedge, and SNR is the ratio of variances behind it. For each seed one row is printed: the
correlation of the average with the template in a soft ball of .42 sides, over all frequencies, after a search of its own that turns one to
the other; errors of rotations and shifts beyond the frame of the average, which is arbitrary; the resolution by halves; seconds.
Needs numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4.
"""

import argparse
import pathlib
import subprocess

import mrcfile
import numpy as np
from scipy import ndimage, optimize
from scipy.spatial.transform import Rotation

TEMPLATES = pathlib.Path(__file__).resolve().parents[1] / "../shared/data/anmartinezs+polnet/data/templates/mrcs_10A"
VOXEL = 10.0
MOVED = 2


def boxes(options, seed):
    """Boxes [n][z][y][x], their rotations (x, y, z, w) and shifts (x, y, z), and the template as a box."""
    random = np.random.default_rng([seed, 77])
    with mrcfile.open(options.templates / f"{options.template}.mrc", permissive=True) as file:
        density, voxel = np.maximum(file.data.astype(np.float32), 0), float(file.voxel_size.x)
    body = density > 0.1 * np.percentile(density, 99.9)
    density /= np.percentile(density[body], 75)
    centre = np.array(ndimage.center_of_mass(density * body))
    side = options.side
    middle = side // 2

    def turned(matrix, shift):
        # Arrays are z, y, x.
        back = matrix[::-1, ::-1].T * (VOXEL / voxel)
        return ndimage.affine_transform(density, back, centre - back @ (middle + shift[::-1]), (side,) * 3, order=3, mode="constant")

    z, y, x = np.meshgrid(*[np.fft.fftfreq(side)] * 3, indexing="ij")
    ball = np.sqrt(x**2 + y**2 + z**2) < 0.5
    measured = np.abs(z) <= np.abs(x) * np.tan(np.radians(options.tilt)) + 1e-9 if options.tilt < 90 else np.ones_like(ball)

    def through(values, mask):
        return np.fft.ifftn(np.fft.fftn(values) * mask).real.astype(np.float32)

    made, truth = [], []
    for _ in range(options.count):
        rotation, shift = Rotation.random(random_state=random), random.uniform(-MOVED, MOVED, 3)
        clean = through(turned(rotation.as_matrix(), shift), measured & ball)
        noise = through(random.standard_normal((side,) * 3), measured & ball)
        made.append(clean + noise * (clean.std() / noise.std() / np.sqrt(options.snr)))
        truth.append([*rotation.as_quat(), *shift])
    return np.array(made, np.float32), np.array(truth), through(turned(np.eye(3), np.zeros(3)), ball)


def errors(truth, found):
    """Degrees and voxels for each box, and the rotation of the frame: found = true · frame."""
    true, own = Rotation.from_quat(truth[:, :4]), Rotation.from_quat(found[:, :4])
    relative = true.inv() * own
    best = max(range(len(truth)), key=lambda index: np.sum((relative * relative[index].inv()).magnitude() < np.radians(15)))
    frame = relative[(relative * relative[best].inv()).magnitude() < np.radians(20)].mean()
    degrees = np.degrees((relative * frame.inv()).magnitude())
    offset = own.inv().apply(truth[:, 4:7] - found[:, 4:7])
    moved = np.median(offset[degrees < 20], 0)
    return degrees, np.linalg.norm(truth[:, 4:7] - found[:, 4:7] - own.apply(moved), axis=1), frame


def agreement(average, template, frame):
    """The correlation of an average with the template, after the best turn and shift of the one."""
    side = len(template)
    middle = side // 2
    distance = np.sqrt(((np.indices(template.shape) - middle) ** 2).sum(0))
    weight = np.clip((0.42 * side - distance) / 3, 0, 1)
    weight /= weight.sum()

    def correlation(a, b):
        a, b = a - (a * weight).sum(), b - (b * weight).sum()
        return (a * b * weight).sum() / np.sqrt((a * a * weight).sum() * (b * b * weight).sum())

    def turned(values, pose, order):
        matrix = Rotation.from_rotvec(pose[:3]).as_matrix()[::-1, ::-1]
        return ndimage.affine_transform(values, matrix, middle - matrix @ (middle + pose[3:6]), order=order)

    smooth, target = ndimage.gaussian_filter(average, 1.5), ndimage.gaussian_filter(template, 1.5)
    best = -1.0
    for start in (frame, frame.inv()):
        pose = np.r_[start.as_rotvec(), 0, 0, 0]
        for values, wanted, order, rounds in ((smooth, target, 1, 6), (average, template, 3, 3)):
            pose = optimize.minimize(
                lambda pose: -correlation(turned(values, pose, order), wanted), pose, method="Powell", options={"maxiter": rounds}).x
        best = max(best, correlation(turned(average, pose, 3), template))
    return best


def arguments():
    """A parser for what every average of made boxes is asked with."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--snr", type=float, default=0.2)
    parser.add_argument("--template", default="4v4r")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--side", type=int, default=36)
    parser.add_argument("--tilt", type=float, default=60)
    parser.add_argument("--radius", type=float, default=140)
    parser.add_argument("--templates", type=pathlib.Path, default=TEMPLATES)
    return parser


def averaged(options, made, seed):
    """What the program makes of boxes: the average, how each box was turned and moved, and what it printed: seconds and resolution in Å."""
    options.folder.mkdir(parents=True, exist_ok=True)
    raw, out = options.folder / f"{seed}.raw", options.folder / f"{seed}.out"
    made.tofile(raw)
    said = subprocess.run(
        [str(options.program), "average", raw, str(options.side), str(VOXEL), str(options.radius), str(options.tilt), out],
        capture_output=True, text=True, check=True).stdout.split()
    values, size = np.fromfile(out, np.float32), options.side**3
    return values[:size].reshape((options.side,) * 3), values[size:].reshape(-1, 8).astype(float), float(said[0]), float(said[1])


def main():
    parser = arguments()
    parser.add_argument("--seeds", default="11,12")
    options = parser.parse_args()
    print("| template | SNR | seed | correlation | median error of rotations, ° | within 10° | of shifts, voxels | resolution, Å | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    for seed in map(int, options.seeds.split(",")):
        made, truth, template = boxes(options, seed)
        average, found, seconds, resolution = averaged(options, made, seed)
        degrees, voxels, frame = errors(truth, found)
        print(
            f"| {options.template} | {options.snr} | {seed} | {agreement(average, template, frame):.4f} | {np.median(degrees):.2f} | "
            f"{np.mean(degrees < 10):.3f} | {np.median(voxels[degrees < 20]):.2f} | {resolution:.1f} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
