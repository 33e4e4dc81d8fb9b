#!/usr/bin/env python3
"""Writes random zarr stores and the voxels that they must give: the differential test of `ZarrDifferentialTests.swift`.

    pip install zarr==3.1.6 numcodecs==0.16.6 numpy==2.4.6
    python random_stores.py FOLDER COUNT SEED

Store number i is `FOLDER/i.zarr`; `FOLDER/i.raw` has its voxels [z][y][x], little-endian, as zarr-python reads them back, and
`FOLDER/i.txt` its type, its shape, how many of its files are there, how many there could be, and what it is.
Types, shapes, chunks, shards, codecs, orders of bytes and of axes, keys, fill values and missing chunks are random.
"""
import json
import pathlib
import sys
import warnings

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.codecs import numcodecs as wrapped

warnings.simplefilter("ignore")
folder, number, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
random = np.random.default_rng(seed)
TYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64")
BLOSC = ("lz4", "lz4hc", "blosclz", "zlib", "zstd")


def pick(values):
    return values[int(random.integers(len(values)))]


def integers(low, high, size):
    return tuple(int(value) for value in random.integers(low, high, size))


def fill_value(dtype):
    if dtype == "bool":
        return bool(pick((False, True)))
    if dtype.startswith("float"):
        return pick((0.0, -1.5, float("nan"), float("inf"), float("-inf"), 0.1))
    limits = np.iinfo(dtype)
    return int(pick((0, 1, limits.min, limits.max)))


def content(dtype, shape):
    """Noise, a ramp, few values, or one: what compresses differently."""
    kind = pick(("noise", "ramp", "few", "one"))
    count = int(np.prod(shape))
    if kind == "noise":
        raw = np.frombuffer(random.bytes(count * np.dtype(dtype).itemsize), "u1" if dtype == "bool" else dtype)
        # The bits of a signalling NaN are not kept by every conversion.
        values = raw & 1 == 1 if dtype == "bool" else np.where(np.isnan(raw), 1, raw) if dtype.startswith("float") else raw
    else:
        values = {"ramp": np.arange(count), "few": random.integers(0, 3, count), "one": np.full(count, 1)}[kind]
    return values.reshape(shape).astype(dtype)


def compressors2(size):
    return pick((None, numcodecs.Zstd(int(random.integers(1, 10))), numcodecs.GZip(1), numcodecs.Zlib(6), numcodecs.LZ4())
                + tuple(numcodecs.Blosc(pick(BLOSC), int(random.integers(0, 10)), int(random.integers(-1, 3)), pick((0, 0, 256, 4096)))
                        for _ in range(5)))


def filters2(size):
    return pick((None, None, [numcodecs.Shuffle(size)], [numcodecs.CRC32C()], [numcodecs.Shuffle(size), numcodecs.CRC32()]))


def stages3(size):
    stages = []
    if pick((True, False, False)):
        stages.append(wrapped.Shuffle(elementsize=size))
    for _ in range(pick((0, 1, 1, 1, 1, 2))):
        stages.append(pick((
            ZstdCodec(level=int(random.integers(1, 10)), checksum=bool(random.integers(2))), GzipCodec(level=3), wrapped.Zlib(level=1),
            wrapped.LZ4(), BloscCodec(cname=pick(BLOSC), clevel=int(random.integers(0, 10)), typesize=size,
                                      shuffle=pick(("noshuffle", "shuffle", "bitshuffle"))))))
    if pick((True, False, False)):
        stages.append(Crc32cCodec())
    return stages


def transpose(axes):
    return [TransposeCodec(order=tuple(int(axis) for axis in random.permutation(axes)))] if pick((True, False, False)) else []


def write(index):
    dtype, axes = pick(TYPES), pick((2, 3, 3, 3, 4))
    size = np.dtype(dtype).itemsize
    leading = (1,) * max(axes - 3, 0)
    spatial = integers(1, pick((4, 12, 40)), min(axes, 3))
    shape = leading + spatial
    chunks = leading + tuple(int(random.integers(1, n + 3)) for n in spatial)
    # At most 64 chunks: each is a file.
    while np.prod([-(-n // c) for n, c in zip(shape, chunks)]) > 64:
        chunks = tuple(min(2 * c, n + 2) if n > 1 else c for n, c in zip(shape, chunks))
    path = folder / f"{index}.zarr"
    fill, separator = fill_value(dtype), pick((".", "/"))
    if pick((2, 3)) == 2:
        order, endian, compressor, filters = pick("CF"), pick("<>"), compressors2(size), filters2(size)
        array = zarr.create_array(
            path, shape=shape, chunks=chunks, dtype=np.dtype(dtype).newbyteorder(endian), zarr_format=2, compressors=compressor,
            filters=filters, order=order, fill_value=fill, chunk_key_encoding={"name": "v2", "separator": separator},
            config={"write_empty_chunks": True})
        what = f"2 {order} {endian} {separator} {compressor} {filters}"
        unit = chunks
    else:
        endian, encoding = pick(("little", "big")), pick(("default", "v2"))
        codecs = [*transpose(axes), BytesCodec(endian=endian), *stages3(size)]
        unit = chunks
        if pick((True, False)):
            unit = tuple(c * int(random.integers(1, 4)) for c in chunks)
            codecs = [ShardingCodec(
                chunk_shape=chunks, codecs=codecs, index_location=pick(("start", "end")),
                index_codecs=[BytesCodec(endian=pick(("little", "big")))] + pick(([], [Crc32cCodec()])))]
        metadata = zarr.core.metadata.v3.ArrayV3Metadata(
            shape=shape, data_type=zarr.dtype.parse_dtype(dtype, zarr_format=3),
            chunk_grid={"name": "regular", "configuration": {"chunk_shape": unit}},
            chunk_key_encoding={"name": encoding, "configuration": {"separator": separator}}, fill_value=fill, codecs=codecs,
            attributes={}, dimension_names=None)
        path.mkdir()
        (path / "zarr.json").write_bytes(metadata.to_buffer_dict(zarr.core.buffer.default_buffer_prototype())["zarr.json"].to_bytes())
        array = zarr.open_array(path, mode="r+", config={"write_empty_chunks": bool(random.integers(2))})
        what = f"3 {encoding} {separator} {codecs}"
    values = content(dtype, shape)
    if pick((True, False, False)):
        # Only a part is written: whole chunks stay away, in files and in shards.
        part = tuple(slice(0, int(random.integers(0, n + 1))) for n in shape)
        array[part] = values[part]
    else:
        array[...] = values
    files = [file for file in path.rglob("*") if file.is_file() and file.name not in (".zarray", ".zattrs", "zarr.json")]
    if len(files) > 1 and pick((True, False, False)):
        for file in files[:int(random.integers(1, len(files)))]:
            file.unlink()
            files.remove(file)
    array = zarr.open_array(path, mode="r")
    back = np.asarray(array[...]).reshape(shape)
    three = back.reshape((1,) * (3 - len(spatial)) + spatial)
    (folder / f"{index}.raw").write_bytes(np.ascontiguousarray(three).astype(np.dtype(dtype).newbyteorder("<")).tobytes())
    total = int(np.prod([-(-n // c) for n, c in zip(shape, unit)]))
    text = " ".join(map(str, ("uint8" if dtype == "bool" else dtype, *three.shape, len(files), total, what)))
    (folder / f"{index}.txt").write_text(text.replace("\n", " "))


folder.mkdir(parents=True, exist_ok=True)
for index in range(number):
    write(index)
print(number)
