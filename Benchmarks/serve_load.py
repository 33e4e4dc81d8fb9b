"""How fast `cellar serve` answers, with how much memory, and what it costs a run beside it.

    python serve_load.py CELLAR FOLDER [--tomograms 10000] [--size 1024,1024,1024] [--seconds 15] [--run]

CELLAR is the program. FOLDER receives a catalog of so many tomograms of 8³ voxels and one of `--size` (x, y, z) float32 voxels: 4 GiB as it
is. What is there already is used again. Measured are the first rows of the collection, sorted and filtered; slices along each axis and
OME-Zarr chunks of two resolutions, asked for at random by one client and by eight (`wrk`, Debian); chunks compared with the file; and the most memory
that the server ever had. The clients run on the same cores.

--run measures a run instead: three tomograms of `cellar simulate` segmented and picked with the built-in networks, alone and beside a page
that listens to events and asks for five slices a second, in turns. Needs numpy 2.4.6, mrcfile 1.5.4.
"""

import argparse
import http.client
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import threading
import time

import mrcfile
import numpy as np
from comparison import runner

PORT = 8497
WRK = """
wrk.headers["Authorization"] = "Bearer {token}"
local paths = {{ {paths} }}
request = function()
    local path = string.gsub(paths[math.random(#paths)], "{{(%d+)}}", function(count) return math.random(0, count - 1) end)
    return wrk.format("GET", path)
end
done = function(summary, latency, requests)
    local errors = summary.errors
    print(string.format("figures %.2f %.2f %.2f %.0f %d", latency:percentile(50) / 1000, latency:percentile(95) / 1000,
        latency:percentile(99) / 1000, summary.requests / summary.duration * 1e6,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


class Server:
    """A running `cellar serve`."""

    def __init__(self, program, folder):
        self.process = subprocess.Popen(
            [str(program), "serve", "--port", str(PORT)], cwd=folder, stdout=subprocess.PIPE, text=True)
        self.token = re.search(r"token=(\w+)", self.process.stdout.readline()).group(1)
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        connection.request("GET", path, headers=self.headers)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {body[:200]}")
        return body

    def milliseconds(self, path, times=21):
        """The first call, and the median of the others."""
        taken = []
        for _ in range(times):
            begin = time.perf_counter()
            self.get(path)
            taken.append(1000 * (time.perf_counter() - begin))
        return taken[0], statistics.median(taken[1:])

    def memory(self):
        """The most resident memory so far, in MB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) * 1024 / 1e6

    def load(self, folder, paths, seconds, clients):
        """Median, 95th and 99th percentile in milliseconds, requests a second, and the number of errors."""
        script = folder / "requests.lua"
        script.write_text(WRK.format(token=self.token, paths=", ".join(json.dumps(path) for path in paths)))
        said = subprocess.run(
            ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{PORT}"],
            capture_output=True, text=True, check=True).stdout
        return re.search(r"figures (.*)", said).group(1).split()

    def stop(self):
        self.process.terminate()
        self.process.wait()


def write_big(path, shape):
    random = np.random.default_rng(1)
    noise = random.standard_normal(shape[1:], dtype=np.float32)
    with mrcfile.new_mmap(path, shape, 2, overwrite=True) as file:
        file.voxel_size = 10
        for z in range(shape[0]):
            file.data[z] = np.roll(noise, 977 * z) + z % 7


def collection(options):
    folder = options.folder / f"served_{options.tomograms}"
    if (folder / ".cellar").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "small").mkdir(parents=True)
    random = np.random.default_rng(2)
    for number in range(options.tomograms):
        with mrcfile.new(folder / f"small/t{number:05}.mrc") as file:
            file.set_data(random.standard_normal((8, 8, 8), dtype=np.float32))
            file.voxel_size = 10
    write_big(folder / "big.mrc", tuple(reversed(options.size)))
    run = runner(options.cellar, folder)
    run("init")
    run("add", "small", "--recursive", "--dataset", "many")
    run("add", "big.mrc", "--dataset", "big")
    return folder


def served(options):
    folder = collection(options)
    server = Server(options.cellar, folder)
    try:
        for name, path in [
                ("first rows", "/api/v1/tomograms?limit=100"), ("sorted by name", "/api/v1/tomograms?limit=100&sort=name"),
                ("filtered by SQL", "/api/v1/tomograms?limit=100&where=name%20LIKE%20%27t00%25%27")]:
            first, median = server.milliseconds(path)
            print(f"{name}: first call {first:.1f} ms, then {median:.1f} ms in the middle", flush=True)
        name = "/api/v1/tomograms?limit=1&where=dataset%20%3D%20%27big%27"
        big = json.loads(server.get(name))
        big = next(iter(row for row in (big.get("rows") or big["tomograms"])))
        identity = big[0] if isinstance(big, list) else big["id"]
        x, y, z = options.size
        chunks = [[-(-(count >> level) // 64) for count in (z, y, x)] for level in (0, 1)]
        slices = {axis: [f"/api/v1/tomograms/{identity}/slice?axis={axis}&index={{{count}}}"] for axis, count in zip("xyz", (x, y, z))}
        whole, half = (["/zarr/big/big.zarr/%d/{%d}/{%d}/{%d}" % (level, *chunks[level])] for level in (0, 1))
        # Those that take longest come last: the server finishes what clients no longer wait for.
        for name, paths, clients in [
                ("slices along z", slices["z"], 8), ("chunks", whole, 1), ("chunks", whole, 8), ("chunks of level 1", half, 1),
                ("chunks of level 1", half, 8), ("slices along y", slices["y"], 8), ("slices along x", slices["x"], 1)]:
            median, p95, p99, rate, errors = server.load(options.folder, paths, options.seconds, clients)
            print(f"{name}, clients: {clients}: {median} ms in the middle, 95 % {p95} ms, 99 % {p99} ms, {rate} a second, "
                  f"{errors} errors; {server.memory():.0f} MB", flush=True)
        random = np.random.default_rng(3)
        with mrcfile.mmap(folder / "big.mrc") as file:
            for _ in range(64):
                place = [int(random.integers(count)) for count in chunks[0]]
                cube = np.frombuffer(server.get("/zarr/big/big.zarr/0/%d/%d/%d" % tuple(place)), "<f4").reshape(64, 64, 64)
                box = file.data[tuple(slice(64 * first, 64 * first + 64) for first in place)]
                assert np.array_equal(cube[tuple(map(slice, box.shape))], box), place
        print("64 chunks are equal to the file")
    finally:
        server.stop()


def beside(options):
    folder = options.folder / "run"
    if not (folder / "truth").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        runner(options.cellar, folder)("simulate", "truth", "--tomograms", "3", "--size", "192,192,48", "--seed", "5")
    taken = {"alone": [], "beside a page": []}
    for turn in range(6):
        name = list(taken)[turn % 2]
        project = folder / "project"
        shutil.rmtree(project, ignore_errors=True)
        project.mkdir()
        run = runner(options.cellar, project)
        run("init")
        run("add", *map(str, sorted((folder / "truth").glob("tomo_??.mrc"))), "--dataset", "d")
        run("run", "--until", "describe")
        server, stop, thread = None, threading.Event(), None
        if turn % 2:
            server = Server(options.cellar, project)
            thread = threading.Thread(target=look, args=(server, stop))
            thread.start()
        begin = time.perf_counter()
        run("run")
        taken[name].append(time.perf_counter() - begin)
        if server:
            stop.set()
            thread.join()
            server.stop()
        print(f"{name}: {taken[name][-1]:.1f} s", flush=True)
    alone, both = (statistics.median(taken[name]) for name in taken)
    print(f"a run takes {alone:.1f} s alone and {both:.1f} s beside a page: {100 * (both / alone - 1):+.1f} %")


def look(server, stop):
    """A page: listens to events, and asks for five slices a second."""
    events = http.client.HTTPConnection("127.0.0.1", PORT)
    events.request("GET", "/api/v1/events", headers=server.headers)
    index = 0
    while not stop.wait(0.2):
        server.get(f"/api/v1/tomograms/1/slice?axis=z&index={index % 48}")
        index += 1
    events.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--tomograms", type=int, default=10_000)
    parser.add_argument("--size", type=lambda text: [int(part) for part in text.split(",")], default=[1024, 1024, 1024])
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--run", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    beside(options) if options.run else served(options)


if __name__ == "__main__":
    main()
