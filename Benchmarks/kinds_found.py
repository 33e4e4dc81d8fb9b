"""How pure the kinds are that the program finds among what it picked itself, in catalogs that `carry_over.py` made.

    python kinds_found.py CELLAR FOLDER... [key=value...]

CELLAR is the program, each FOLDER one of `carry_over.py`'s with collections that name the kinds of their true particles. Each catalog is copied to
FOLDER/kinds, given these settings, brought up to `measure-picks`, and asked for kinds (`cellar kind find`), of picks in all of its tomograms. A pick is what the nearest true
particle is that lies nearer than its radius, paired one to one; others are false. The kind that holds most of a true kind is its own: purity is the part
of that kind's picks which are it, completeness the part of its picks which have that kind. The two true kinds with most picks are shown, in which
kinds false picks end, and the adjusted Rand index over all picks that are not false. Needs numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1.
"""

import collections
import csv
import json
import sys

import numpy as np
from comparison import copied_catalogs
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

KINDS = "SELECT tomogram, x, y, z, kind FROM v_object WHERE step = 'measure-picks'"
FALSE = "false"


def named(truth, picks):
    """The class of the true particle of each pick."""
    with open(truth) as file:
        rows = list(csv.DictReader(file))
    centres = np.array([[float(row[f"{axis}_angstrom"]) for axis in "xyz"] for row in rows]).reshape(-1, 3)
    radii = np.array([float(row["radius_angstrom"]) for row in rows])
    places = np.array([[pick[axis] for axis in "xyz"] for pick in picks]).reshape(-1, 3)
    names = [FALSE] * len(picks)
    if len(rows) and len(picks):
        distances = np.linalg.norm(places[:, None] - centres[None], axis=2)
        for pick, true in zip(*linear_sum_assignment(np.where(distances < radii[None], distances / radii[None], 10))):
            if distances[pick, true] < radii[true]:
                names[pick] = rows[true]["class"]
    return names


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print("| catalog | picks | kinds found | true kind | picks of it | its kind | purity | completeness | false picks: kind: number | ARI |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for title, truth, _, run in copied_catalogs(sys.argv[1], sys.argv[2:], "kinds", "*_particles.csv"):
        run("run", "--until", "descriptors")
        run("kind", "find")
        run("run", "--until", "measure-picks")
        picks = {}
        for row in json.loads(run("query", KINDS, "--format", "json")):
            picks.setdefault(row["tomogram"], []).append(row)
        pairs = collections.Counter()
        for name, rows in picks.items():
            pairs.update(zip(named(truth / f"{name}_particles.csv", rows), (row["kind"] for row in rows)))
        real = [pair for pair in pairs.elements() if pair[0] != FALSE]
        index = adjusted_rand_score([name for name, _ in real], [str(kind) for _, kind in real])
        true, found = collections.Counter(), collections.Counter()
        for (name, kind), count in pairs.items():
            true[name] += count
            found[kind] += count
        false = ", ".join(f"{kind}: {count}" for (name, kind), count in sorted(pairs.items(), key=str) if name == FALSE)
        for name, count in [entry for entry in true.most_common() if entry[0] != FALSE][:2]:
            own = max(found, key=lambda kind: pairs[name, kind])
            print(
                f"| {title} | {sum(true.values())} | {len(found.keys() - {0, None})} | {name} | {count} "
                f"| {own} | {pairs[name, own] / found[own]:.2f} | {pairs[name, own] / count:.2f} | {false} | {index:.2f} |", flush=True)


if __name__ == "__main__":
    main()
