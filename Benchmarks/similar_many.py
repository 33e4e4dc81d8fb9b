"""How long `cellar similar` takes among a million particles in files.

    python similar_many.py CELLAR CATALOG FOLDER [--tomograms 1000] [--particles 1000]

CATALOG is a project whose first tomogram has descriptors, such as that of `cellar demo X --tomograms 2 --size 128,128,32`. It is copied to FOLDER, which must not be there, and
gets so many more tomograms: rows of the database as publishing them writes, with descriptors of random numbers in a file each. Then `cellar similar` is asked, as a process of its own,
for one of them: seven times with 50 neighbours, and with a condition. Needs numpy 2.4.6, h5py 3.16.0.
"""

import argparse
import hashlib
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import time

import h5py
import numpy as np


# How an artifact is named: the function `logical_digest` of this page.
SCHEMA = pathlib.Path(__file__).resolve().parent.parent / "Schema/blobs.md"
exec(next(block for block in re.findall(r"```python\n(.*?)```", SCHEMA.read_text(), re.DOTALL) if "def logical_digest" in block))


def clone(database, blobs, tomograms, particles):
    """Adds the tomograms; returns the number of components."""
    database.execute("PRAGMA foreign_keys = ON")
    steps = dict(database.execute("SELECT name, id FROM step"))
    (source,) = database.execute("SELECT scope_id FROM head WHERE step_id = ? ORDER BY scope_id LIMIT 1", [steps["descriptors"]]).fetchone()

    def columns(table):
        return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]

    def copy(table, where, parameters, **changes):
        names = [name for name in columns(table) if name != "id"]
        values = ", ".join(f":{name}" if name in changes else name for name in names)
        return database.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} WHERE {where}", {**changes, **parameters}
        ).lastrowid

    heads = {name: database.execute("SELECT trace_id, outputs FROM head WHERE step_id = ? AND scope_id = ?", [steps[name], source]).fetchone() for name in ("pick", "descriptors")}
    (artifact, digest) = database.execute(
        "SELECT artifact.id, artifact.digest FROM artifact JOIN trace_output AS output ON output.artifact_id = artifact.id WHERE output.trace_id = ?", [heads["descriptors"][0]]).fetchone()
    (model,) = blobs.glob(f"**/{digest.hex()}*")
    with h5py.File(model) as file:
        dimension = file["rows"].shape[1]
    random = np.random.default_rng(1)
    objects = [name for name in columns("object") if name not in ("trace_id", "number")]
    for number in range(tomograms):
        tomogram = copy("tomogram", "id = :source", {"source": source}, name=f"copy_{number}", path=f"/nowhere/copy_{number}.mrc")
        traces = {}
        for name in heads:
            key = hashlib.sha256(f"{name} {number}".encode()).digest()
            traces[name] = copy("trace", "id = :of", {"of": heads[name][0]}, scope_id=tomogram, key=key)
            for table in ("trace_input", "trace_output"):
                copy(table, "trace_id = :of", {"of": heads[name][0]}, trace_id=traces[name])
        draft = blobs / "draft.h5"
        shutil.copyfile(model, draft)
        with h5py.File(draft, "r+") as file:
            (old, form) = (file["rows"].dtype, file["rows"].attrs.get_id("cellar_sha256").dtype)
            del file["rows"]
            values = random.standard_normal((particles, dimension)).astype(old)
            rows = file.create_dataset("rows", data=values, chunks=values.shape, compression=1, shuffle=True, fletcher32=True)
            rows.attrs.create("cellar_sha256", np.bytes_(hashlib.sha256(values.tobytes()).hexdigest()), dtype=form)
        own = bytes.fromhex(logical_digest(draft))
        path = blobs / own.hex()[:2] / f"{own.hex()}{model.suffix}"
        path.parent.mkdir(exist_ok=True)
        draft.rename(path)
        copied = copy("artifact", "id = :of", {"of": artifact}, digest=own)
        database.execute(
            "UPDATE trace_output SET digest = ?, artifact_id = ? WHERE trace_id = ? AND artifact_id = ?", [own, copied, traces["descriptors"], artifact])
        for name in heads:
            key = hashlib.sha256(f"{name} {number}".encode()).digest()
            database.execute(
                "INSERT INTO head (step_id, scope_id, trace_id, key, outputs, run_id) SELECT step_id, ?, ?, ?, ?, run_id FROM head WHERE step_id = ? AND scope_id = ?",
                [tomogram, traces[name], key, own if name == "descriptors" else heads[name][1], steps[name], source])
        example = database.execute(f"SELECT {', '.join(objects)} FROM object WHERE trace_id = ? LIMIT 1", [heads["pick"][0]]).fetchone()
        database.executemany(
            f"INSERT INTO object (trace_id, number, {', '.join(objects)}) VALUES ({', '.join('?' * (len(objects) + 2))})",
            ([traces["pick"], particle + 1, *example] for particle in range(particles)))
    return dimension


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("cellar", "catalog", "folder"):
        parser.add_argument(name, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--tomograms", type=int, default=1000)
    parser.add_argument("--particles", type=int, default=1000)
    options = parser.parse_args()
    shutil.copytree(options.catalog, options.folder)
    with sqlite3.connect(options.folder / ".cellar/catalog.sqlite") as database:
        dimension = clone(database, options.folder / ".cellar/blobs", options.tomograms, options.particles)
    database.close()
    print(f"{options.tomograms} tomograms of {options.particles} particles, {dimension} components")
    for words in (["--count", "50"], ["--count", "50", "--where", "class <> 'nothing'"], ["--count", "50", "--where", "tomogram = 'copy_3'"]):
        seconds = []
        for _ in range(7):
            begin = time.perf_counter()
            subprocess.run([options.cellar, "--version"], check=True, capture_output=True)
            start = time.perf_counter()
            subprocess.run(
                [options.cellar, "similar", "copy_7#5", *words, "--format", "csv", "--catalog", options.folder], check=True, capture_output=True)
            seconds.append((time.perf_counter() - start, start - begin))
        median = [statistics.median(values) for values in zip(*seconds)]
        print(f"{' '.join(words)}: {1000 * median[0]:.0f} ms ({1000 * min(seconds)[0]:.0f} to {1000 * max(seconds)[0]:.0f}), of which the program starts in {1000 * median[1]:.0f} ms", flush=True)


if __name__ == "__main__":
    main()
