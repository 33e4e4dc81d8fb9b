"""How well the compartments of the pipeline's own membranes are those of the true ones, in catalogs that `carry_over.py` made.

    python compartments_found.py CELLAR FOLDER... [key=value...]

CELLAR is the program, each FOLDER one of `carry_over.py`'s with collections of `cellar simulate`. Each catalog is copied to FOLDER/compartments, given these
settings and brought up to `measure-picks`. True compartments are the connected regions (6 neighbours) of what is not membrane in the true labels, within the true
surfaces of the sample, but the largest one, and of at least 4000 nm3: those that touch no face of the sample are closed, the others cut. One is found where a
compartment of the program has an intersection over union of at least .5 with it, the program's voxels counted at its own binning. Volume is the program's over the true
one, both of voxels that no membrane holds. A pick is in the right compartment where the region that the program names for it (`v_object.compartment`) is
the one that was found for the true region at its place, the largest region of both standing for what is in none; picks in true membranes are left out. Needs numpy
2.4.6, scipy 1.17.1, mrcfile 1.5.4, h5py 3.16.0.
"""

import json
import sys

import h5py
import mrcfile
import numpy as np
from comparison import copied_catalogs
from scipy import ndimage

LEAST = 4000.0
QUERIES = {
    "maps": "SELECT t.name AS tomogram, o.digest FROM v_output AS o JOIN v_tomogram AS t ON t.id = o.scope_id WHERE o.step = 'compartments' AND o.artifact_id IS NOT NULL",
    "states": "SELECT tomogram, number, state, volume_nm3 FROM v_compartment",
    "picks": "SELECT tomogram, x, y, z, compartment FROM v_object WHERE step = 'measure-picks'",
}


def true_regions(truth, name):
    """The number of each voxel's true region, 1 for what is in none; the sizes in nm3 and whether each is closed; the voxel size in angstroms."""
    with mrcfile.open(truth / f"{name}_labels.mrc", permissive=True) as file:
        labels, size = np.asarray(file.data), float(file.voxel_size.x)
    classes = json.loads((truth / f"{name}.json").read_text())["classes"]
    with mrcfile.open(truth / f"{name}_surfaces.mrc", permissive=True) as file:
        first, last = np.asarray(file.data)
    slices = np.arange(labels.shape[0])[:, None, None]
    sample = (slices >= first) & (slices <= last)
    free = sample & (labels != classes["membrane"])
    numbers, count = ndimage.label(free)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1).astype(float) * (size / 10) ** 3
    sizes[0] = 0
    largest = int(sizes.argmax())
    faces = set(np.unique(numbers[sample & ~ndimage.binary_erosion(sample)]).tolist())
    regions = {}
    for number in range(1, count + 1):
        if number != largest and sizes[number] >= LEAST:
            regions[number] = (sizes[number], number not in faces)
    return numbers, largest, regions, size, sample


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print("| catalog | true: closed, cut | found of closed | and said to be closed | found of cut | not true | volume, median (within 15 %) | picks in the right one, of those in a compartment | of all |")
    print("|---|---|---|---|---|---|---|---|---|")
    for title, truth, copy, run in copied_catalogs(sys.argv[1], sys.argv[2:], "compartments", "*_labels.mrc"):
        run("run", "--until", "measure-picks")
        rows = {name: json.loads(run("query", sql, "--format", "json")) for name, sql in QUERIES.items()}
        states = {(row["tomogram"], row["number"]): row for row in rows["states"]}
        closed = [0, 0, 0]
        cut = [0, 0]
        false, ratios, right, inside, places = 0, [], [0, 0], [0, 0], 0
        for entry in rows["maps"]:
            name = entry["tomogram"]
            numbers, largest, regions, size, sample = true_regions(truth, name)
            with h5py.File(next((copy / ".cellar/blobs").glob(f"**/{entry['digest']}*"))) as file:
                found = file["labels"][:]
                binning = int(file.attrs["binning"])
            found = found.repeat(binning, 0).repeat(binning, 1).repeat(binning, 2)[: numbers.shape[0], : numbers.shape[1], : numbers.shape[2]]
            found = np.pad(found, [(0, whole - part) for whole, part in zip(numbers.shape, found.shape)])
            found[~sample] = 0
            counts = np.bincount(found.ravel())
            own = {}
            for number, (volume, is_closed) in regions.items():
                mask = numbers == number
                overlap = np.bincount(found[mask], minlength=len(counts))
                overlap[0] = 0
                best = int(overlap.argmax())
                union = mask.sum() + counts[best] - overlap[best]
                hit = best > 0 and overlap[best] / union >= 0.5
                state = states.get((name, best), {}).get("state") if hit else None
                if is_closed:
                    closed[0] += 1
                    closed[1] += hit
                    closed[2] += state == "closed"
                else:
                    cut[0] += 1
                    cut[1] += hit
                if hit:
                    own[number] = best
                    ratios.append(states[name, best]["volume_nm3"] / volume)
            main_one = int(np.bincount(found[numbers == largest])[1:].argmax()) + 1
            own[largest] = main_one
            false += len([number for tomogram, number in states if tomogram == name and number not in own.values()])
            for pick in [row for row in rows["picks"] if row["tomogram"] == name]:
                place = tuple(min(max(int(round(pick[axis] / size)), 0), edge - 1) for axis, edge in zip("zyx", numbers.shape))
                true = int(numbers[place])
                if true == 0 or (true != largest and true not in regions):
                    continue
                is_right = pick["compartment"] == own.get(true, -1)
                right[0] += is_right
                places += 1
                if true != largest:
                    inside[0] += is_right
                    inside[1] += 1
        ratios = np.array(ratios)
        within = np.mean(np.abs(ratios - 1) <= 0.15) if len(ratios) else float("nan")
        print(
            f"| {title} | {closed[0]}, {cut[0]} | {closed[1]} | {closed[2]} | {cut[1]} | {false} "
            f"| {np.median(ratios) if len(ratios) else float('nan'):.2f} ({within:.2f}) | {inside[0]} of {inside[1]} | {right[0]} of {places} |", flush=True)


if __name__ == "__main__":
    main()
