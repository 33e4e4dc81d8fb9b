"""Prints what MRCRealDataTests.swift and TIFFRealDataTests.swift expect of the real files, as Swift rows, and writes
polnet_templates.csv beside itself.

    python real_data_values.py SHARED_DATA

Versions used: Python 3.11.7, numpy 2.2.6, mrcfile 1.5.4, tifffile 2026.3.3, opencv-python-headless 4.12.0.88 (whose
libtiff decodes LZW). The digest is computed here by its definition
(see VolumeSurvey.swift), from arrays that mrcfile and tifffile decoded; only the axis order is undone here, and mode 0
is viewed as unsigned where the header's statistics say so, since mrcfile does neither.
"""

import hashlib
import pathlib
import sys
import warnings

import cv2
import mrcfile
import numpy as np
import tifffile

MRC = [
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc2D.mrc",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/rec3D.rec",
    "anmartinezs+pyseg_system/data/tutorials/exp_ssmb/tracing/mb_single/in/tomo22_z50_ves_4_seg.mrc",
    "ccpem+mrcfile/tests/test_data/EMD-3001.map",
    "ccpem+mrcfile/tests/test_data/emd_3001.map.gz",
    "ccpem+mrcfile/tests/test_data/EMD-3197.map",
    "ccpem+mrcfile/tests/test_data/emd_3197.map.gz",
    "ccpem+mrcfile/tests/test_data/float16.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/10001_input/tomograms/TS_run1.rec",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/small_probability_map.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/signed_ints.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/unsigned_ints.mrc",
    "nglviewer+ngl/data/3nzd.ccp4.gz",
    "nglviewer+ngl/data/3pqr.ccp4.gz",
    "nglviewer+ngl/data/3pqr-mode0.ccp4",
    "nglviewer+ngl/data/betaGal.mrc",
    "teamtomo+libtilt/examples/ribo-16Apx.mrc",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/mrc3D.mrc",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/rec2D.rec",
    "anmartinezs+pyseg_system/data/tutorials/synth_sumb/models/5vai_r2.62_90_nostd.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/10001_input/tomograms/TS_run2.rec",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/large_probability_map.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/segmask.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/semantic_mask.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/20002/annotations/small_semantic_mask.mrc",
    "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/input_mrc.mrc",
    "polnet-1.1.2/snr0.5/t00.mrc",
    "polnet-1.1.2/snr0.5/t00_labels.mrc.gz",
]
TIFF = [
    "SMLC-NYSBC+TARDIS/tests/test_data/data_loader/cnn/train/imgs/0_0_30_47_25.tif",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_loader/cnn/test/masks/4_0_55_98_25_mask.tif",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/tif2D.tif",
    "SMLC-NYSBC+TARDIS/tests/test_data/data_type/tif3D.tif",
    "stardist+stardist/tests/data/img2d.tif",
    "stardist+stardist/tests/data/img3d.tif",
    "stardist+stardist/tests/data/mask2d.tif",
    "stardist+stardist/tests/data/mask3d.tif",
]


def read_mrc(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with mrcfile.open(path, permissive=True) as file:
            data = np.array(file.data)
            header = file.header
            low, high, mean = float(header.dmin), float(header.dmax), float(header.dmean)
            if data.dtype == np.int8 and 0 <= low <= high <= 255 and (high > 127 or mean > 127):
                data = data.view(np.uint8)
            data = data.reshape((1,) * (3 - data.ndim) + data.shape)
            order = [int(header.maps), int(header.mapr), int(header.mapc)]
            if order != [0, 0, 0]:
                data = np.transpose(data, [order.index(3), order.index(2), order.index(1)])
            return np.ascontiguousarray(data)


def read_tiff(path):
    with tifffile.TiffFile(path) as file:
        is_lzw = file.pages[0].compression == tifffile.COMPRESSION.LZW
    data = np.array(cv2.imreadmulti(path, flags=cv2.IMREAD_UNCHANGED)[1]) if is_lzw else tifffile.imread(path)
    return np.ascontiguousarray(data.reshape((1,) * (3 - data.ndim) + data.shape))


def digest_of(data):
    name = data.dtype.name
    little = data.astype(data.dtype.newbyteorder("<"))
    prefix = f"cellar tomogram voxels 1\n{name}\n{data.shape[0]} {data.shape[1]} {data.shape[2]}\n"
    return hashlib.sha256(prefix.encode() + little.tobytes()).hexdigest()


def templates(root):
    folder = pathlib.Path(root) / "anmartinezs+polnet/data/templates/mrcs_10A"
    lines = ["name,x,y,z,digest"]
    for path in sorted(folder.glob("*.mrc")):
        data = read_mrc(path)
        lines.append(f"{path.name},{data.shape[2]},{data.shape[1]},{data.shape[0]},{digest_of(data)}")
    (pathlib.Path(__file__).parent / "polnet_templates.csv").write_text("\n".join(lines) + "\n")


def row(root, path, data):
    name = data.dtype.name
    digest = digest_of(data)
    wide = data.astype(np.float64)
    statistics = [wide.min(), wide.max(), wide.mean(), wide.std()]
    percentiles = [float(np.percentile(wide, p)) for p in (1, 50, 99)]
    print(
        f'    Expectation(\n        "{path}",\n        z: {data.shape[0]}, y: {data.shape[1]}, x: {data.shape[2]}, .{name},'
        f'\n        digest: "{digest}",'
        f"\n        statistics: {[float(s) for s in statistics]}, percentiles: {percentiles}),"
    )


if __name__ == "__main__":
    root = sys.argv[1]
    templates(root)
    for path in MRC:
        row(root, path, read_mrc(f"{root}/{path}"))
    print()
    for path in TIFF:
        row(root, path, read_tiff(f"{root}/{path}"))
