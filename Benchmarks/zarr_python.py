"""Makes a float32 OME-Zarr as the CryoET Data Portal writes them (blosc lz4, chunks of 256 cubed), and times how zarr-python reads it.

    python zarr_python.py make STORE.zarr [X Y Z]      smooth noise in noise, as tomograms are
    python zarr_python.py read STORE.zarr [RUNS]       zarr-python on two threads: all of level 0, layer of chunks by layer

Needs numpy, scipy, and zarr with numcodecs. Compare with `survey-benchmark read STORE.zarr all`, in turn on one machine.
"""
import json
import os
import pathlib
import sys
import time

import numcodecs
import numpy as np

command, store = sys.argv[1], pathlib.Path(sys.argv[2])
if command == "make":
    import scipy.ndimage

    x, y, z = (int(v) for v in sys.argv[3:6]) if len(sys.argv) > 3 else (1024, 1024, 512)
    codec = numcodecs.Blosc(cname="lz4", clevel=5, shuffle=1)
    chunk = 256
    (store / "0").mkdir(parents=True)
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    axes = [{"name": n, "type": "space", "unit": "angstrom"} for n in "zyx"]
    (store / ".zattrs").write_text(json.dumps({"multiscales": [{"version": "0.4", "name": "/", "axes": axes, "datasets": [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [10.0, 10.0, 10.0]}]}]}]}))
    (store / "0/.zarray").write_text(json.dumps({
        "zarr_format": 2, "shape": [z, y, x], "chunks": [chunk] * 3, "dtype": "<f4", "compressor": codec.get_config(), "fill_value": 0,
        "order": "C", "filters": None, "dimension_separator": "/"}))
    random = np.random.default_rng(1)
    for place in np.ndindex(*[-(-n // chunk) for n in (z, y, x)]):
        a = random.normal(size=[chunk] * 3).astype("float32")
        a += 3 * scipy.ndimage.gaussian_filter(a, 3)
        for axis, n in enumerate((z, y, x)):
            a[tuple(slice(max(0, n - place[axis] * chunk), None) if k == axis else slice(None) for k in range(3))] = 0
        path = store / "0" / str(place[0]) / str(place[1])
        path.mkdir(parents=True, exist_ok=True)
        (path / str(place[2])).write_bytes(codec.encode(a))
else:
    import zarr

    numcodecs.blosc.set_nthreads(2)
    if int(zarr.__version__.split(".")[0]) >= 3:
        zarr.config.set({"threading.max_workers": 2, "async.concurrency": 2})
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    for _ in range(runs):
        array = zarr.open_array(str(store / "0"), mode="r")
        total = np.uint64(0)
        start = time.perf_counter()
        for first in range(0, array.shape[0], array.chunks[0]):
            layer = array[first:first + array.chunks[0]]
            total += layer.view(np.uint64).sum(dtype=np.uint64)
        print(f"zarr-python {zarr.__version__}, all: {time.perf_counter() - start:.2f} s; sum {total}; {os.cpu_count()} cores")
