"""How far networks carry over: what the program makes of data that nothing here taught, with no slab, with slabs, and with truth.

    python carry_over.py CELLAR FOLDER [--collections simulate,second,third,polnet] [--snr 0.5,0.2,0.1] [--seeds 3101] [--tomograms 6]
        [--labelled 2] [--size 256,256,64] [--slices 12,52] [--training-seeds 1,2,3] [--mode "NAME: BASE key=value …"]...
        [--set "key=value …"] [--polnet FOLDER] [--templates FOLDER]

CELLAR is the program. FOLDER receives collections of tomograms, one for each simulator, ratio and seed: of `cellar simulate`, of the second and
the third simulator of `builtin/`, and of PolNet, which is read from ../shared/data/polnet-1.1.2 and has one ratio (t00 and t01 teach by slices 30
to 69). In each, catalogs measure modes on the tomograms after the first `--labelled` ones, which teach. A mode is a base and settings of the recipe:

    builtin           the networks of the program, with no slab and no training set
    pseudo            networks trained on the pseudo-labels of slabs
    supervised        the twin: the same networks, trained on the membranes of the same slices, and on all particles of at least 20 nm
    supervised-small  as that, but the particles of 10 to 20 nm
    corrupted-WHAT    as supervised, but membranes are wrong on purpose, to see what which error costs: thick and thin (by a voxel), missing
                      (40 % of connected pieces), false (flat sheets as large as a tenth of the membranes in all), shifted (by a voxel along x)

Without --mode the first three run as they are. Each is trained once for each training seed. A mode that is settled by a parameter which the program
does not have is named as missing. What is done stays in `FOLDER/collections` and `FOLDER/projects`: another call goes on, and
measures only what it has no file of figures for, whatever program made these (`figures/*.json` name it; delete them to measure again).

Membranes: Dice, precision, recall and surface Dice (of one voxel) over all slices, as the catalog has them. Particles are the catalog's, paired one to
one with true ones within the radius of these; F1 of a size leaves out what was found on a particle of another size (`f1_strict` counts it as
wrong). Means over tomograms, after means over training seeds; intervals of 95 % by 10,000 draws of tomograms, the same for a mode and
its twin. FOLDER/carry_over.json holds every figure. Needs numpy 2.4.6, scipy 1.17.1, mrcfile 1.5.4, opencv 5.0.0.
"""

import argparse
import dataclasses
import hashlib
import json
import pathlib
import shutil
import time

import numpy as np
from scipy import ndimage
from comparison import NETWORKS, ProgramFailed, pairs, runner, save_labels, save_points
from unseen_data import SIZES, collections

# What this script knows of the program.
BUILTIN = ["segment.network=builtin", "pick.network=builtin"]
NO_PARAMETER = "there is no parameter"
ALWAYS = ["evaluate.region=all"]
TRAINING_SEED = ["train-membrane.seed={seed}", "train-particles.seed={seed}"]
PARTICLE_CLASSES = "train-particles.classes="
MEMBRANE = "membrane"
MEASURES = ["dice", "precision", "recall", "surface_dice"]
EVALUATED = f"SELECT tomogram, measure, value FROM v_evaluation WHERE step = 'evaluate' AND class = '{MEMBRANE}'"
FAILURES = "SELECT DISTINCT step, error FROM v_failure WHERE status = 'failed' ORDER BY started_at DESC LIMIT 3"
PICKED = "SELECT tomogram, class, x, y, z FROM v_object WHERE step = 'pick'"
# The classes that a size of particles may be found as: its own, and those that tell no size.
FOUND = {
    "large": {"large", "large_particle", "large-particle", "macromolecule", "particle"},
    "small": {"small", "small_particle", "small-particle", "macromolecule", "particle"}}
# Of tomograms, for intervals.
DRAWS = 10_000


@dataclasses.dataclass(frozen=True)
class Mode:
    name: str
    base: str
    settings: tuple

    @property
    def is_trained(self):
        return self.base != "builtin"

    @property
    def taught(self):
        """The size of particles that truth teaches, of the supervised bases."""
        return "small" if self.base == "supervised-small" else None if self.base in ("builtin", "pseudo") else "large"

    @property
    def corruption(self):
        """What is wrong with the membranes that truth teaches; None where nothing is."""
        return self.base.removeprefix("corrupted-") if self.base.startswith("corrupted-") else None

    @property
    def project(self):
        return "supervised" if self.base.startswith("supervised") else self.base

    @classmethod
    def parse(cls, text):
        name, _, rest = text.partition(":")
        base, *settings = rest.split() or [name.strip()]
        bases = ["builtin", "pseudo", "supervised", "supervised-small", *(f"corrupted-{name}" for name in CORRUPTIONS)]
        if base not in bases:
            raise SystemExit(f"--mode {text}: {base} is no base; it is one of {', '.join(bases)}")
        return cls(name.strip(), base, tuple(settings))


# Projects


def project(options, collection, mode):
    """The catalog of a collection for a base, made where there is none yet; what runs the program in it."""
    taught_by = f"{collection.labelled}_{collection.slices[0]}_{collection.slices[1]}"
    folder = options.folder / f"projects/{collection.name}/{taught_by}/{mode.project}"
    first = folder / "recipe.yaml"
    run = runner(options.cellar, folder)
    if first.exists():
        return run, folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run("init")
    run("add", *[str(tomogram.volume) for tomogram in collection.tomograms], "--dataset", collection.data)
    for tomogram in collection.tomograms[collection.labelled:]:
        labels, voxel = tomogram.read_labels()
        save_labels(folder / f"{tomogram.name}_labels.mrc", labels, voxel)
        run("annotate", tomogram.name, "--labels", f"{tomogram.name}_labels.mrc", "--class", f"{MEMBRANE}=1")
    taught = collection.tomograms[:collection.labelled]
    if mode.base == "pseudo":
        for tomogram in taught:
            run("slab", "add", tomogram.name, "--z", f"{collection.slices[0]}..<{collection.slices[1]}")
        run("training", "add", "slabs")
    elif mode.taught:
        for tomogram in taught:
            teach(run, folder, tomogram, collection.slices, mode.corruption)
        listed = " OR ".join(f"tomogram = '{tomogram.name}'" for tomogram in taught)
        for size in SIZES:
            # Two sets, since to a picker what one annotation of points lacks is ground.
            if any(len(tomogram.of(size)[0]) for tomogram in taught):
                run("training", "add", size, "--annotations", "--where", f"({listed}) AND (kind = 'labels' OR classes = '{size}')")
    shutil.copy(folder / ".cellar/recipe.yaml", first)
    return run, folder


def thick(mask, _):
    return ndimage.binary_dilation(mask)


def thin(mask, _):
    return ndimage.binary_erosion(mask)


def missing(mask, random):
    pieces, count = ndimage.label(mask)
    return mask & ~np.isin(pieces, 1 + random.permutation(count)[:round(0.4 * count)])


def false(mask, random):
    """With discs of a random normal, as thick as a membrane (4 voxels), until a tenth of what is membrane is added."""
    added, wanted = mask.copy(), mask.sum() * 1.1
    grid = np.indices(mask.shape).reshape(3, -1).T
    for _ in range(200):
        if added.sum() >= wanted:
            break
        normal = random.normal(size=3) * [0.3, 1, 1]
        offset = grid - random.uniform(0, mask.shape)
        height = offset @ (normal / np.linalg.norm(normal))
        added |= ((abs(height) < 2) & ((offset**2).sum(1) - height**2 < random.uniform(10, 25)**2)).reshape(mask.shape)
    return added


def shifted(mask, _):
    return np.roll(mask, 1, 2)


CORRUPTIONS = {function.__name__: function for function in (thick, thin, missing, false, shifted)}


def teach(run, folder, tomogram, slices, corruption=None):
    """Annotates the truth of a tomogram: membranes of the slices that others learn pseudo-labels of, and particles of each size.

    `corruption` is the name of what is done to the membranes before.
    """
    labels, voxel = tomogram.read_labels()
    if corruption:
        labels = CORRUPTIONS[corruption](labels == 1, np.random.default_rng(1)).astype(labels.dtype)
    labels[:slices[0]], labels[slices[1]:] = 0, 0
    save_labels(folder / f"{tomogram.name}_labels.mrc", labels, voxel)
    run("annotate", tomogram.name, "--labels", f"{tomogram.name}_labels.mrc", "--class", f"{MEMBRANE}=1")
    for size in SIZES:
        centres, radii = tomogram.of(size)
        if len(centres):
            save_points(folder / f"{tomogram.name}_{size}.csv", centres)
            run("annotate", tomogram.name, "--points", f"{tomogram.name}_{size}.csv", "--class", size, "--radius",
                f"{np.median(radii):.1f}", "--convention", "angstrom")


def measured(options, collection, mode, seed):
    """The figures of a mode with a training seed: those of an earlier call, or of a run now."""
    run, folder = project(options, collection, mode)
    settings = [*ALWAYS, *NETWORKS, *options.set.split()]
    if mode.base == "builtin":
        settings += BUILTIN
    else:
        settings += [text.format(seed=seed) for text in TRAINING_SEED]
    if mode.taught:
        settings.append(f"{PARTICLE_CLASSES}{mode.taught}")
    settings += mode.settings
    key = hashlib.sha256(json.dumps([mode.base, settings]).encode()).hexdigest()[:12]
    path = folder / f"figures/{mode.base}_{seed}_{key}.json"
    if path.exists():
        return json.loads(path.read_text())
    # As `init` made it, so that nothing of another mode is left.
    shutil.copy(folder / "recipe.yaml", folder / ".cellar/recipe.yaml")
    run("recipe", "set", *settings)
    if mode.taught:
        run("training", "use", mode.taught)
    start, failure = time.time(), None
    try:
        run("run")
    except ProgramFailed as error:
        failures = json.loads(run("query", FAILURES, "--format", "json"))
        failure = "; ".join(f"{row['step']}: {row['error']}" for row in failures) or last_line(error)
    figures = {
        "program": options.program, "settings": settings, "seconds": time.time() - start, "failure": failure,
        "tomograms": read(run, collection, failure)}
    if failure:
        # The next call tries again.
        return figures
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".part").write_text(json.dumps(figures, indent=1) + "\n")
    path.with_suffix(".part").rename(path)
    return figures


def read(run, collection, failure):
    """The figures of each unseen tomogram, from the catalog. No particle at all counts as none found only where nothing failed."""
    membranes, picks = {}, {}
    for row in json.loads(run("query", EVALUATED, "--format", "json")):
        if row["measure"] in MEASURES:
            membranes.setdefault(row["tomogram"], {})[row["measure"]] = row["value"]
    for row in json.loads(run("query", PICKED, "--format", "json")):
        picks.setdefault(row["tomogram"], []).append(row)
    figures = {}
    for tomogram in collection.tomograms[collection.labelled:]:
        found = picks.get(tomogram.name, [])
        # A segmentation without any membrane has no precision, which the catalog leaves out.
        figures[tomogram.name] = membranes.get(tomogram.name, {}) | (
            {} if failure and not picks else {size: scored(found, tomogram, size) for size in SIZES})
    return figures


def scored(found, tomogram, size):
    """Numbers of right, found and true particles of a size. What lies on a particle of another size is neither right nor wrong."""
    places = np.array([[row[axis] for axis in "xyz"] for row in found if row["class"] in FOUND[size]]).reshape(-1, 3)
    centres, radii = tomogram.of(size)
    right = pairs(places, centres, radii)
    others, reach = tomogram.centres[tomogram.sizes != size], tomogram.radii[tomogram.sizes != size]
    rest = np.delete(places, right, 0)
    near = (np.linalg.norm(rest[:, None] - others[None], axis=2) < reach[None]).any(1) if len(others) and len(rest) else np.zeros(0)
    counts = {"right": len(right), "found": len(places), "elsewhere": int(near.sum()), "true": len(centres)}
    f1 = lambda count: 2 * len(right) / (count + len(centres)) if count + len(centres) else None
    return counts | {"f1": f1(len(places) - counts["elsewhere"]), "f1_strict": f1(len(places))}


# The table


def last_line(error):
    return str(error).strip().splitlines()[-1].split(": cellar: ")[-1]


def of_tomograms(runs, path):
    """A figure of every unseen tomogram, `[tomogram]`, the mean over training seeds; nan where it has no value.

    `runs` has for each collection the figures of its training seeds.
    """
    values = []
    for figures in runs:
        for name in figures[0]["tomograms"]:
            seen = []
            for figure in figures:
                value = figure["tomograms"][name]
                for part in path:
                    value = (value or {}).get(part)
                if value is not None:
                    seen.append(value)
            values.append(np.mean(seen) if seen else np.nan)
    return np.array(values, float)


def interval(values, twin=None):
    """Mean with its 95 % interval over drawn tomograms; of the ratio to a twin's mean where there is one. None without any value."""
    known = ~np.isnan(values) if twin is None else ~np.isnan(values) & ~np.isnan(twin)
    values, twin = values[known], None if twin is None else twin[known]
    if not len(values) or (twin is not None and twin.mean() <= 0):
        return None
    drawn = np.random.default_rng(1).integers(0, len(values), (DRAWS, len(values)))
    means, mean = values[drawn].mean(1), values.mean()
    if twin is not None:
        below = twin[drawn].mean(1)
        mean, means = mean / twin.mean(), means[below > 0] / below[below > 0]
    return [float(mean), *map(float, np.percentile(means, [2.5, 97.5]))]


def text(value, digits=3):
    """`.512 (.401-.633)`."""
    short = lambda number: f"{number:.{digits}f}".removeprefix("0") if number < 1 else f"{number:.{digits}f}"
    return "" if value is None else f"{short(value[0])} ({short(value[1])}–{short(value[2])})"


COLUMNS = {
    "membrane Dice": ("dice",), "precision": ("precision",), "recall": ("recall",), "surface Dice": ("surface_dice",),
    **{f"F1 {label}": (size, "f1") for size, (_, _, label) in SIZES.items()}}
RATIOS = ["membrane Dice", *(f"F1 {label}" for _, _, label in SIZES.values())]


def summary(mode, runs, twin):
    """The intervals of a row: of every column, and of ratios to the twin."""
    own = {name: of_tomograms(runs, path) for name, path in COLUMNS.items()}
    if mode.taught:
        # A picker that learned one size says nothing of the others.
        own |= {f"F1 {label}": np.full(len(own["membrane Dice"]), np.nan) for size, (_, _, label) in SIZES.items() if size != mode.taught}
    row = {name: interval(values) for name, values in own.items()}
    for name in RATIOS:
        row[f"{name} ÷ twin"] = interval(own[name], of_tomograms(twin, COLUMNS[name])) if twin else None
    row["minutes"] = float(np.mean([figure["seconds"] for figures in runs for figure in figures])) / 60
    return row


def reported(options, data, ratio, group):
    """Measures and prints all modes of collections that differ in their seed only; rows for the file of figures."""
    runs, missing = {}, {}
    for mode in options.modes:
        seeds = options.training_seeds.split(",") if mode.is_trained else ["none"]
        try:
            runs[mode.name] = [[measured(options, collection, mode, seed) for seed in seeds] for collection in group]
        except ProgramFailed as error:
            missing[mode.name] = ("missing: " if NO_PARAMETER in str(error) else "failed: ") + last_line(error)
    rows = []
    twins = {size: next((m.name for m in options.modes if m.taught == size and not m.settings and m.name in runs), None) for size in SIZES}
    for mode in options.modes:
        if mode.name in missing:
            print(f"| {data} | {ratio} | {mode.name} | {missing[mode.name]} |" + " |" * (len(COLUMNS) + len(RATIOS)), flush=True)
            rows.append({"data": data, "snr": ratio, "mode": mode.name, "missing": missing[mode.name]})
            continue
        row = summary(mode, runs[mode.name], None)
        for size, twin in twins.items():
            if twin:
                names = [f"F1 {SIZES[size][2]}", *(["membrane Dice"] if size == "large" else [])]
                ratios = summary(mode, runs[mode.name], runs[twin])
                row |= {f"{name} ÷ twin": ratios[f"{name} ÷ twin"] for name in names}
        cells = [text(row[name]) for name in COLUMNS] + [text(row[f"{name} ÷ twin"], 2) for name in RATIOS]
        failures = {figure["failure"] for figures in runs[mode.name] for figure in figures} - {None}
        said = "".join(f"; failed: {failure}" for failure in sorted(failures))
        print(f"| {data} | {ratio} | {mode.name}{said} | {' | '.join(cells)} | {row['minutes']:.1f} |", flush=True)
        rows.append({
            "data": data, "snr": ratio, "mode": mode.name, "base": mode.base, "intervals": row,
            "runs": [{"collection": c.name, "figures": f} for c, f in zip(group, runs[mode.name])]})
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--collections", default="simulate,second,third,polnet")
    parser.add_argument("--snr", default="0.5,0.2,0.1")
    parser.add_argument("--seeds", default="3101", help="of collections: their first tomograms'")
    parser.add_argument("--tomograms", type=int, default=6)
    parser.add_argument("--labelled", type=int, default=2)
    parser.add_argument("--size", default="256,256,64")
    parser.add_argument("--slices", default="12,52")
    parser.add_argument("--training-seeds", default="1,2,3")
    parser.add_argument("--mode", action="append", default=[])
    parser.add_argument("--set", default="")
    parser.add_argument("--polnet", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--templates", type=lambda path: pathlib.Path(path).resolve())
    options = parser.parse_args()
    options.modes = [Mode.parse(mode) for mode in options.mode or ["builtin", "pseudo", "supervised"]]
    with open(options.cellar, "rb") as file:
        options.program = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    groups = {}
    for collection in collections(options):
        groups.setdefault((collection.data, collection.ratio), []).append(collection)
    names = ["data", "SNR", "mode", *COLUMNS, *(f"{name} ÷ twin" for name in RATIOS), "minutes"]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    asked, rows = {key: str(value) for key, value in vars(options).items() if key != "modes"}, []
    for (data, ratio), group in groups.items():
        rows += reported(options, data, ratio, group)
        (options.folder / "carry_over.json").write_text(json.dumps({"options": asked, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
