#!/usr/bin/env python3
"""Writes the golden zarr stores of VolumesTests: every codec with every shuffle, both versions, shards, byte orders and axis orders.

    pip install zarr==3.1.6 numcodecs==0.16.6 numpy==2.4.6
    python make_zarr_golden.py

Writes `data/zarr.bin`, all files of all stores in one: a line of JSON with the path and size of each file, and then their bytes.
The voxel at z, y, x of each store is z * 35 + y * 7 + x, as a number of the store's type; booleans are whether that is odd.
A store has 3 x 5 x 7 voxels in chunks of 2 x 3 x 4, unless its name says otherwise.
"""
import asyncio
import json
import pathlib
import shutil
import tempfile
import warnings

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, ShardingCodec, TransposeCodec, ZstdCodec
from zarr.codecs import numcodecs as wrapped

warnings.simplefilter("ignore")
root = pathlib.Path(tempfile.mkdtemp())
SHAPE, CHUNKS = (3, 5, 7), (2, 3, 4)
count = int(np.prod(SHAPE))


def voxels(dtype):
    values = np.arange(count).reshape(SHAPE)
    return (values % 2 == 1) if np.dtype(dtype) == bool else values.astype(dtype)


def write2(name, dtype="<f4", compressor=None, filters=None, order="C", separator=".", chunks=CHUNKS):
    array = zarr.create_array(root / name, shape=SHAPE, chunks=chunks, dtype=dtype, zarr_format=2, compressors=compressor,
                              filters=filters, order=order, chunk_key_encoding={"name": "v2", "separator": separator})
    array[...] = voxels(dtype)


def write3(name, codecs, dtype="float32", chunks=CHUNKS, encoding=None, **more):
    metadata = zarr.core.metadata.v3.ArrayV3Metadata(
        shape=SHAPE, data_type=zarr.dtype.parse_dtype(dtype, zarr_format=3),
        chunk_grid={"name": "regular", "configuration": {"chunk_shape": chunks}},
        chunk_key_encoding=encoding or {"name": "default", "configuration": {"separator": "/"}}, fill_value=0, codecs=codecs,
        attributes={}, dimension_names=("z", "y", "x"), **more)
    path = root / name
    path.mkdir(parents=True)
    (path / "zarr.json").write_text(json.dumps(metadata.to_dict(), default=str))
    zarr.open_array(path, mode="r+")[...] = voxels(dtype)


for cname in ("lz4", "lz4hc", "blosclz", "zlib", "zstd"):
    for shuffle in (0, 1, 2):
        write2(f"2-blosc-{cname}-{shuffle}", compressor=numcodecs.Blosc(cname, 5, shuffle), chunks=SHAPE)
write2("2-blosc-memcpyed", compressor=numcodecs.Blosc("lz4", 0, 1))
write2("2-blosc-blocks", compressor=numcodecs.Blosc("lz4", 5, 1, blocksize=128), chunks=SHAPE)
for name, codec in (("zstd", numcodecs.Zstd(3)), ("gzip", numcodecs.GZip(5)), ("zlib", numcodecs.Zlib(1)), ("lz4", numcodecs.LZ4())):
    write2(f"2-{name}", compressor=codec)
write2("2-shuffle", dtype="<i2", filters=[numcodecs.Shuffle(2)], compressor=numcodecs.Zlib(1))
write2("2-shuffle-8", dtype="<f8", filters=[numcodecs.Shuffle(8)], compressor=numcodecs.Zstd(1))
write2("2-crc32", filters=[numcodecs.CRC32()])
write2("2-crc32c", filters=[numcodecs.CRC32C()], compressor=numcodecs.Blosc("zstd", 1, 1))
write2("2-big", dtype=">f4", compressor=numcodecs.Blosc("lz4", 5, 1), separator="/")
write2("2-fortran", dtype="<u2", compressor=numcodecs.Blosc("lz4", 5, 2), order="F", separator="/")
for dtype in ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f8", ">f2", ">i8"):
    write2(f"2-type-{dtype[1:]}-{'big' if dtype[0] == '>' else 'little'}", dtype=dtype, compressor=numcodecs.Blosc("lz4", 5, 1), chunks=SHAPE)

little, big, v2 = BytesCodec(endian="little"), BytesCodec(endian="big"), {"name": "v2", "configuration": {"separator": "/"}}
for shuffle in ("noshuffle", "shuffle", "bitshuffle"):
    write3(f"3-blosc-{shuffle}", [little, BloscCodec(cname="zstd", clevel=3, shuffle=shuffle, typesize=4)], chunks=SHAPE)
write3("3-zstd", [little, ZstdCodec(level=3, checksum=True)])
write3("3-gzip", [little, GzipCodec(level=5)])
write3("3-big", [big, ZstdCodec()], encoding=v2)
write3("3-crc32c", [little, Crc32cCodec()], encoding={"name": "default", "configuration": {"separator": "."}})
write3("3-transpose", [TransposeCodec(order=(2, 0, 1)), little, ZstdCodec()])
write3("3-numcodecs", [little, wrapped.Shuffle(elementsize=4), wrapped.Zlib(level=1)])
write3("3-numcodecs-lz4", [little, wrapped.LZ4()])
write3("3-twice", [little, GzipCodec(level=1), ZstdCodec(), Crc32cCodec()])
for dtype in ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float64"):
    write3(f"3-type-{dtype}", [little, ZstdCodec()], dtype=dtype, chunks=SHAPE)
for location in ("start", "end"):
    write3(f"3-shard-{location}", [ShardingCodec(chunk_shape=CHUNKS, codecs=[little, ZstdCodec()], index_location=location)], chunks=(4, 6, 8))
write3("3-shard-plain", [ShardingCodec(chunk_shape=(1, 3, 2), codecs=[big], index_codecs=[little])], chunks=(2, 3, 4))
write3("3-shard-transposed", [TransposeCodec(order=(1, 2, 0)), ShardingCodec(
    chunk_shape=(2, 2, 4), codecs=[TransposeCodec(order=(2, 1, 0)), little, GzipCodec()])], chunks=(4, 6, 8))
# As copick 2.0 writes a level.
write3("3-shard-copick", [ShardingCodec(
    chunk_shape=CHUNKS, codecs=[little, wrapped.Shuffle(elementsize=4), ZstdCodec(level=3), Crc32cCodec()])], chunks=(4, 6, 8), encoding=v2)

files = sorted(path for path in root.rglob("*") if path.is_file())
table = [[str(path.relative_to(root)), path.stat().st_size] for path in files]
out = pathlib.Path(__file__).parent / "data"
out.mkdir(exist_ok=True)
(out / "zarr.bin").write_bytes(json.dumps(table).encode() + b"\n" + b"".join(path.read_bytes() for path in files))
for path in root.iterdir():
    array = zarr.open_array(path, mode="r")
    assert (array[...] == voxels(array.dtype)).all(), path
shutil.rmtree(root)
print(len(files), "files,", (out / "zarr.bin").stat().st_size, "bytes")
