"""Reads a served tomogram and its labels as napari does, without a window, and compares every voxel with the file.

    cellar serve --port 8480 &
    QT_QPA_PLATFORM=offscreen python3 napari_reader.py 'http://127.0.0.1:8480/t/TOKEN/zarr/DATASET/NAME.zarr' FILE.mrc [--labels FILE.mrc]

The address is the one that the page copies for napari. Tried with Python 3.11 and, from PyPI in a folder of their own, napari[pyqt6]==0.9.2,
napari-ome-zarr==0.10.0, zarr==3.1.6, numpy==2.4.6, mrcfile==1.5.4. What opens it is napari's viewer without its canvas, which needs OpenGL: layers,
scales and kinds are those that a person sees. Ends with 1 where something differs.
"""

import argparse
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import mrcfile
import numpy
from napari.components import ViewerModel
from napari.layers import Image, Labels
from npe2 import PluginManager


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of the tomogram as OME-Zarr, with the token")
    parser.add_argument("file", help="the tomogram, as MRC")
    parser.add_argument("--labels", help="the segmentation, as `cellar export labels` wrote it as MRC")
    arguments = parser.parse_args()
    PluginManager.instance().discover()
    layers = ViewerModel().open(arguments.address, plugin="napari-ome-zarr")
    image = next(layer for layer in layers if isinstance(layer, Image))
    wanted = mrcfile.read(arguments.file)
    found = numpy.asarray(image.data[0] if image.multiscale else image.data)
    assert found.shape == wanted.shape, f"napari has {found.shape}, the file {wanted.shape}"
    assert numpy.array_equal(found, wanted), f"{(found != wanted).sum()} voxels differ"
    size = mrcfile.open(arguments.file, header_only=True).voxel_size.x
    assert numpy.allclose(image.scale, size, rtol=1e-5), f"napari has the scale {image.scale}, the file {size} Å"
    print(f"ok       {image.name}: {found.shape} voxels are those of the file, {len(image.data) if image.multiscale else 1} resolutions, scale {image.scale}")
    labels = [layer for layer in layers if isinstance(layer, Labels)]
    for layer in labels:
        volume = numpy.asarray(layer.data[0] if layer.multiscale else layer.data)
        assert volume.shape == wanted.shape, f"{layer.name} has {volume.shape}"
        print(f"ok       {layer.name}: labels {numpy.unique(volume).tolist()}")
    if arguments.labels:
        segmentation = mrcfile.read(arguments.labels)
        equal = [layer.name for layer in labels if numpy.array_equal(numpy.asarray(layer.data[0] if layer.multiscale else layer.data), segmentation)]
        assert equal, f"no labels are equal to {arguments.labels}"
        print(f"ok       {equal[0]}: equal to the exported file")
    return 0


if __name__ == "__main__":
    sys.exit(main())
