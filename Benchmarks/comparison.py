"""What the scripts of quality share: running Cellar, reading what its steps gave, and comparing with the truth of simulated tomograms."""

import csv
import json
import pathlib
import shutil
import subprocess

import mrcfile
import numpy as np
from scipy.optimize import linear_sum_assignment

MACROMOLECULES = {"ribosome", "proteasome", "complex"}
VOXEL = 13.48
# What the catalog's own networks do, without the one that comes with the program.
ALONE = ["segment.network=trained", "pick.network=trained", "train-membrane.start=random"]
# Networks that learn in minutes, alone.
NETWORKS = ALONE + (
    "train-membrane.network.width=16 train-membrane.patch.size=128 train-membrane.epoch.count=16 train-particles.network.width=12 "
    "train-particles.patch.size=40 train-particles.patch.jitter=10 train-particles.patch.foreground=0.5 train-particles.batch=4 "
    "train-particles.epoch.count=15 train-particles.epoch.steps=20 pick.margin=8").split()
ARTIFACTS = """
    SELECT s.tomogram, s.z_first AS z, lower(hex(a.digest)) AS digest FROM v_step AS s
    JOIN trace_output AS o ON o.trace_id = s.trace_id JOIN artifact AS a ON a.id = o.artifact_id WHERE s.step = :step
"""


class ProgramFailed(SystemExit):
    """The program said no; ends the script where nobody catches it."""


def runner(program, folder):
    """A function that runs the program in a folder, and returns what it printed.

    Raises ProgramFailed where it fails.
    """

    def run(*arguments):
        result = subprocess.run([str(program), *arguments], capture_output=True, text=True, cwd=folder)
        if result.returncode:
            raise ProgramFailed(f"cellar {' '.join(arguments)}: {result.stderr}{result.stdout}")
        return result.stdout

    return run


def copied_catalogs(program, words, name, truths):
    """Copies of the catalogs that `carry_over.py` made, each in FOLDER/NAME/… with settings of its own.

    Words are folders, and settings `key=value`. Yields of each catalog how it is called, the folder of its collection's truth, the copy's folder, and the
    `runner` there. A copy that is there is taken; a collection without files of truth of the name TRUTHS, a pattern, is left out.
    """
    settings = [word for word in words if "=" in word]
    for folder in [pathlib.Path(word) for word in words if "=" not in word]:
        for catalog in sorted(folder.glob("projects/*/*/*/.cellar")):
            place = catalog.parent.relative_to(folder / "projects")
            truth, copy = folder / "collections" / place.parts[0] / "truth", folder / name / place
            if not list(truth.glob(truths)):
                continue
            if not copy.exists():
                shutil.copytree(catalog.parent, copy, ignore=shutil.ignore_patterns("figures"))
            run = runner(pathlib.Path(program).resolve(), copy)
            if settings:
                run("recipe", "set", *settings)
            yield place, truth, copy, run


def arrays(run, folder, step, dataset):
    """What a step gave for each slice, by tomogram and z."""
    # Here, since only scripts that look into artifacts need it.
    import h5py

    found = {}
    for row in json.loads(run("query", ARTIFACTS, "--param", f"step={step}", "--format", "json")):
        path = next((folder / ".cellar/blobs").glob(f"**/{row['digest']}*"))
        with h5py.File(path) as file:
            found[row["tomogram"], row["z"]] = file[dataset][...]
    return found


def auc(scores, truth):
    """The area under the curve of a score for a mask, both flat."""
    ranks = np.empty(scores.size)
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, scores.size + 1)
    positive = int(truth.sum())
    return (ranks[truth].sum() - positive * (positive + 1) / 2) / (positive * (truth.size - positive))


def save_labels(path, labels, voxel=VOXEL):
    with mrcfile.new(path, labels, overwrite=True) as file:
        file.voxel_size = voxel


def save_points(path, centres):
    """Writes x, y, z in Å, as `annotate --points` reads them with the convention `angstrom`."""
    with open(path, "w") as file:
        file.write("x,y,z\n" + "".join(f"{x},{y},{z}\n" for x, y, z in centres))


def particles(path, classes=MACROMOLECULES):
    """Centres (x, y, z) and radii in Å of the macromolecules of a truth file; of all its particles where `classes` is None."""
    with open(path) as file:
        rows = [row for row in csv.DictReader(file) if classes is None or row["class"] in classes]
    centres = np.array([[float(row[f"{axis}_angstrom"]) for axis in "xyz"] for row in rows]).reshape(-1, 3)
    return centres, np.array([float(row["radius_angstrom"]) for row in rows])


def pairs(found, truth, radii):
    """Which of the found ones are paired with a true one, one to one, nearer than the radius of the truth."""
    if not len(found) or not len(truth):
        return np.zeros(0, int)
    distances = np.linalg.norm(found[:, None] - truth[None], axis=2)
    rows, columns = linear_sum_assignment(np.where(distances < radii[None], 0, 1))
    return rows[distances[rows, columns] < radii[columns]]


def matches(found, truth, radii):
    """How many pairs there are, one to one, nearer than the radius of the truth."""
    return len(pairs(found, truth, radii))


def dice(found, truth):
    return 2 * (found & truth).sum() / max(1, int(found.sum()) + int(truth.sum()))
