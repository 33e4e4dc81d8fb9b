"""Makes data/network/: what cellpose computes with networks of seeded random weights.

    pip install cellpose==3.1.1.3 'torch==2.13.0+cpu' safetensors==0.8.0
    python make_network_golden.py     # writes data/network/

Weights and images are not stored: `noise` here and in SeededNetwork.swift give the same values. Stored are

    *.safetensors      for each network, `tile.maps` and `tile.style` of a tile of 224², and for each case of `maps` the maps and
                       the style of a whole image; of maps, every 7th row and column from the 3rd on, `[3, rows, columns]`
    tiny               a network of two levels as cellpose saves it, and tiny.safetensors with `image` and `maps`
    VERSIONS.json

The whole images go through `CellposeModel._run_net` after `normalize_img`, as in `CellposeModel.eval`.
"""

import json
import pathlib

import cv2
import numpy as np
import torch
from cellpose import transforms, version
from cellpose.models import CellposeModel
from cellpose.resnet_torch import CPnet
from safetensors.torch import save_file

DATA = pathlib.Path(__file__).parent / "data/network"
VERSIONS = dict(cellpose=str(version), torch=torch.__version__, numpy=np.__version__, opencv=cv2.__version__)
NETWORKS = {"full": [2, 32, 64, 128, 256], "narrow": [2, 8, 16, 24, 32]}
# height, width, diameter
IMAGES = {
    "full": [(150, 100, 30.0), (131, 290, 24.0)],
    "narrow": [(300, 250, 20.0), (37, 500, 45.0), (9, 5, 30.0), (224, 224, 30.0), (480, 210, 17.0)],
}


def noise(seed, *shape):
    """Values in [−1, 1), multiples of 2⁻²³: splitmix64."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def seed_weights(network):
    """Fills all tensors, in the order of their names: the 7th gets the noise of seed 6."""
    state = network.state_dict()
    for seed, name in enumerate(sorted(name for name in state if "num_batches" not in name and not name.startswith("diam_"))):
        values = noise(seed, *state[name].shape)
        if name.endswith("running_var") or (name.endswith("weight") and values.ndim == 1):
            values = np.float32(1) + np.float32(0.5) * values
        elif name.endswith("running_mean"):
            values = np.float32(0.5) * values
        elif values.ndim == 4:
            values = np.float32(np.sqrt(6 / np.prod(values.shape[1:]))) * values
        elif values.ndim == 1:
            values = np.float32(0.25) * values
        state[name].copy_(torch.from_numpy(values))
    return network.eval()


def image(seed, height, width):
    """Discs in noise, brighter to the right."""
    y, x = np.mgrid[:height, :width]
    disc = ((x % 32 - 16) ** 2 + (y % 24 - 12) ** 2 < 81).astype(np.float32)
    return np.float32(100) + np.float32(20) * noise(seed, height, width) + np.float32(40) * disc + x.astype(np.float32)


def network(widths):
    return CPnet(list(widths), 3, sz=3, mkldnn=False, max_pool=True, diam_mean=30.0)


def with_wide_style(net, width):
    """The network with its style filled up to the 256 values that run_net collects, whatever the network."""
    class Wide(torch.nn.Module):
        nout, mkldnn, device = 3, False, torch.device("cpu")

        def forward(self, x):
            maps, style, _ = net(x)
            return maps, torch.nn.functional.pad(style, (0, 256 - width)), None

    return Wide().eval()


def run(net, pixels, diameter):
    """Maps [3, Y, X] and style, as CellposeModel.eval computes them before it makes masks."""
    model = CellposeModel.__new__(CellposeModel)
    model.net = net
    pair = np.stack([pixels, np.zeros_like(pixels)], -1)[np.newaxis]
    normalized = transforms.normalize_img(pair.copy(), normalize=True, norm3D=False)
    flows, probability, style = model._run_net(normalized, rescale=30.0 / diameter, resample=True)
    return np.concatenate([flows[:, 0], probability], 0), np.atleast_1d(style)


def thin(maps):
    return np.ascontiguousarray(maps[:, 2::7, 2::7])


def main():
    torch.set_num_threads(2)
    DATA.mkdir(parents=True, exist_ok=True)
    for name, widths in NETWORKS.items():
        net = seed_weights(network(widths))
        arrays = {}
        tile = noise(1000, 1, 2, 224, 224)
        with torch.no_grad():
            maps, style, _ = net(torch.from_numpy(tile))
        arrays["tile.maps"], arrays["tile.style"] = thin(maps.numpy()[0]), style.numpy()
        for seed, (height, width, diameter) in enumerate(IMAGES[name]):
            maps, style = run(with_wide_style(net, widths[-1]), image(2000 + seed, height, width), diameter)
            arrays[f"{height}x{width}.maps"], arrays[f"{height}x{width}.style"] = thin(maps), style[: widths[-1]]
        for key, array in arrays.items():
            assert np.isfinite(array).all(), key
        save_file({key: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for key, array in arrays.items()},
                  DATA / f"{name}.safetensors")
    tiny = seed_weights(network([2, 3, 4]))
    tiny.diam_mean.data[:] = 17
    tiny.diam_labels.data[:] = 21
    tiny.save_model(DATA / "tiny")
    with torch.no_grad():
        pixels = noise(1000, 1, 2, 16, 20)
        maps = tiny(torch.from_numpy(pixels))[0].numpy()
    save_file({"image": torch.from_numpy(pixels), "maps": torch.from_numpy(maps)}, DATA / "tiny.safetensors")
    (DATA / "VERSIONS.json").write_text(json.dumps(VERSIONS, indent=2) + "\n")


if __name__ == "__main__":
    main()
