"""How the steps scale with processors: seconds on one and on two, the serial part that these say, and what 16 and 64 would give.

    python scaling.py CELLAR FOLDER [--rounds 3] [--size 512,512,64] [--slices 24,32] [--processors 2] [--set "key=value …"]
        [--stages features,segment]

CELLAR is the program. FOLDER receives a simulated tomogram and a catalog with a slab, and a copy of the catalog for each measurement. The chain goes
stage by stage; only those of --stages are timed. Each stage is run from the same state, with `taskset` on one processor and on N (--processors), in turn: one item at a time, and
N items at a time, where a stage has several. The median of the rounds counts; what the program needs where nothing is stale is taken off.

By Amdahl's law a stage of which the part s is serial takes T(n) = T(1) (s + (1 - s) / n), so that s = (n T(n) / T(1) - 1) / (n - 1). What is printed
for 16 and 64 processors is that law, and no measurement: memory and several sockets can only make it worse. FOLDER/scaling.json has all figures.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import time

from comparison import runner

STAGES = ["prepare", "features", "eigenvectors", "sheets", "model-labels", "pseudo-labels", "train-membrane", "train-particles", "segment",
          "pick", "measure-picks"]
# Trainings that are long enough to be timed, and no longer.
SHORT = "train-membrane.epoch.count=1 train-membrane.epoch.steps=20 train-particles.epoch.count=1 train-particles.epoch.steps=20"


def seconds(program, folder, state, processors, arguments):
    """The wall-clock seconds of the program on a copy of a catalog."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(state, work, symlinks=True)
    begin = time.perf_counter()
    subprocess.run(
        ["taskset", "-c", ",".join(str(number) for number in range(processors)), str(program), *arguments], cwd=work, check=True,
        capture_output=True)
    return time.perf_counter() - begin


def serial_part(one, several, processors):
    return (processors * several / one - 1) / (processors - 1)


def speed(serial, processors):
    return 1 / (serial + (1 - serial) / processors)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="512,512,64")
    parser.add_argument("--slices", default="24,32")
    parser.add_argument("--processors", type=int, default=2)
    parser.add_argument("--set", default="")
    parser.add_argument("--stages", default=",".join(STAGES))
    options = parser.parse_args()
    state = options.folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    run = runner(options.cellar, state)
    run("simulate", str(options.folder / "tomogram"), "--size", options.size, "--tomograms", "1", "--seed", "1")
    volume = next((options.folder / "tomogram").glob("*.mrc"))
    run("init")
    run("add", str(volume), "--dataset", "d")
    run("slab", "add", volume.stem, "--z", "{}..<{}".format(*options.slices.split(",")))
    run("training", "add", "all")
    run("recipe", "set", *SHORT.split(), *options.set.split())
    rows, n = [], options.processors
    for stage in STAGES:
        command = ["run", "--until", stage, "--jobs"]
        if stage not in options.stages.split(","):
            run(*command, str(n))
            continue
        times = {"one": [], "several": [], "items": [], "nothing": []}
        for _ in range(options.rounds):
            times["one"].append(seconds(options.cellar, options.folder, state, 1, [*command, "1"]))
            times["several"].append(seconds(options.cellar, options.folder, state, n, [*command, "1"]))
            times["items"].append(seconds(options.cellar, options.folder, state, n, [*command, str(n)]))
        run(*command, str(n))
        for _ in range(options.rounds):
            times["nothing"].append(seconds(options.cellar, options.folder, state, n, [*command, "1"]))
        middle = {name: statistics.median(values) for name, values in times.items()}
        one, several, items = (max(middle[name] - middle["nothing"], 1e-3) for name in ("one", "several", "items"))
        serial = max(serial_part(one, min(several, items), n), 0)
        rows.append({
            "stage": stage, "one": one, "several": several, "items": items, "serial": serial, "speed16": speed(serial, 16),
            "speed64": speed(serial, 64), "times": times})
        print(
            f"{stage:16} {one:8.2f} s  on {n}: {several:8.2f} s ({several / one:.2f}), {n} items {items:8.2f} s ({items / one:.2f})  "
            f"serial {serial:.3f}  16: {speed(serial, 16):5.1f}  64: {speed(serial, 64):5.1f}", flush=True)
        (options.folder / "scaling.json").write_text(json.dumps({"processors": n, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
