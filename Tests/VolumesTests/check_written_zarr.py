"""Reads an OME-Zarr image that OMEZarrWriter wrote, and compares voxels, resolutions and metadata with the raw voxels of level 0.

    python check_written_zarr.py FOLDER RAW DTYPE NZ NY NX VOXEL mean|first ...

Eight arguments for each image. RAW holds the voxels of level 0, little-endian, [z][y][x]. VOXEL is the edge of a voxel in A, or 0 where it is not known. Prints for each `ok`,
the compressor, and what read it: zarr always; ome-zarr, ome-zarr-models, tensorstore (neuroglancer's reader of zarr in Python)
and copick's way of opening a store where they are installed.

Versions used: Python 3.11, numpy 2.4.6, zarr 3.1.6, numcodecs 0.16.6, ome-zarr 0.18.0, ome-zarr-models 1.7, tensorstore 0.1.86.
"""

import json
import pathlib
import sys

import numpy as np
import zarr


def reduced(a, how):
    if how == "first":
        return a[::2, ::2, ::2]
    shape = [-(-n // 2) for n in a.shape]
    total, count = np.zeros(shape), np.zeros(shape)
    for dz in (0, 1):
        for dy in (0, 1):
            for dx in (0, 1):
                part = a[dz::2, dy::2, dx::2].astype(np.float64)
                place = tuple(slice(0, n) for n in part.shape)
                total[place] += part
                count[place] += 1
    mean = total / count
    if a.dtype.kind == "f":
        return mean.astype(a.dtype)
    return (np.sign(mean) * np.floor(np.abs(mean) + 0.5)).astype(a.dtype)


def check(folder, raw, dtype, nz, ny, nx, voxel, how):
    voxel = float(voxel)
    expected = np.fromfile(raw, dtype).reshape(int(nz), int(ny), int(nx))
    readers = ["zarr"]
    group = zarr.open_group(folder, mode="r")
    assert group.metadata.zarr_format == 2
    image = group.attrs["multiscales"][0]
    assert image["version"] == "0.4" and image["name"], image
    axes = image["axes"]
    assert [axis["name"] for axis in axes] == ["z", "y", "x"] and all(axis["type"] == "space" for axis in axes)
    assert all(axis.get("unit") == ("angstrom" if voxel else None) for axis in axes), axes
    assert ("image-label" in group.attrs) == (how == "first")
    assert [level["path"] for level in image["datasets"]] == ["0", "1", "2"]
    levels = [expected]
    while len(levels) < 3:
        levels.append(reduced(levels[-1], how))
    for index, (level, array) in enumerate(zip(image["datasets"], levels)):
        transformations = level["coordinateTransformations"]
        assert len(transformations) == 1 and transformations[0]["type"] == "scale"
        assert np.allclose(transformations[0]["scale"], [(voxel or 1) * 2**index] * 3, rtol=1e-9), transformations
        metadata = json.loads((pathlib.Path(folder) / str(index) / ".zarray").read_text())
        assert metadata["dimension_separator"] == "/" and metadata["order"] == "C" and metadata["filters"] is None
        assert metadata["dtype"] == dtype and metadata["fill_value"] == 0
        stored = group[str(index)]
        assert stored.shape == array.shape, (stored.shape, array.shape)
        grid = [-(-n // c) for n, c in zip(stored.shape, metadata["chunks"])]
        files = [p for p in (pathlib.Path(folder) / str(index)).rglob("*") if p.is_file() and not p.name.startswith(".")]
        assert len(files) == np.prod(grid), (len(files), grid)
        # Means of float32 are summed in float64 and rounded once on both sides.
        np.testing.assert_array_equal(stored[...], array, err_msg=f"level {index}")
    try:
        import tensorstore

        for index, array in enumerate(levels):
            store = {"driver": "zarr", "kvstore": {"driver": "file", "path": f"{folder}/{index}"}}
            np.testing.assert_array_equal(tensorstore.open(store, open=True).result().read().result(), array)
        readers.append("tensorstore")
    except ImportError:
        pass
    try:
        import ome_zarr_models.v04

        (ome_zarr_models.v04.ImageLabel if how == "first" else ome_zarr_models.v04.Image).from_zarr(group)
        readers.append("ome-zarr-models")
    except ImportError:
        pass
    try:
        from ome_zarr.io import parse_url
        from ome_zarr.reader import Reader

        nodes = list(Reader(parse_url(folder))())
        assert len(nodes) >= 1 and len(nodes[0].data) == 3
        np.testing.assert_array_equal(np.asarray(nodes[0].data[2]), levels[2])
        readers.append("ome-zarr")
    except ImportError:
        pass
    compressor = json.loads((pathlib.Path(folder) / "0/.zarray").read_text())["compressor"]
    print("ok", compressor["id"], *readers)


for first in range(1, len(sys.argv), 8):
    check(*sys.argv[first : first + 8])
