"""Makes a CPnet of full size with random weights as cellpose saves it, and what cellpose makes of a slice with it.

    python check_cellpose.py FOLDER      # 27 MB, a minute

FOLDER receives `cpnet` (torch.save, an archive), `cpnet-older` (the same in the older format) and `golden.safetensors`: `image`, `maps`
`[3, Y, X]` and `style`, for a diameter of 25. Unlike the goldens of make_network_golden.py, these are PyTorch's own initial weights, with
the running moments of a few batches of tiles, and whole maps are kept.
"""

import pathlib
import sys

import numpy as np
import torch
from make_network_golden import image, network, run
from safetensors.torch import save_file


def main(folder):
    root = pathlib.Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(5)
    torch.set_num_threads(2)
    net = network([2, 32, 64, 128, 256])
    pixels = image(1, 500, 600)
    with torch.no_grad():
        net.train()
        for step in range(20):
            tiles = torch.zeros(2, 2, 64, 64)
            tiles[:, 0] = torch.from_numpy((image(10 + step, 64, 128) - 100) / 50).reshape(64, 2, 64).permute(1, 0, 2)
            net(tiles)
        # Scales and offsets are 1 and 0 in a new network.
        for name, parameter in net.named_parameters():
            if parameter.ndim == 1 and ".0." in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    net.eval()
    net.save_model(root / "cpnet")
    torch.save(net.state_dict(), root / "cpnet-older", _use_new_zipfile_serialization=False)
    maps, style = run(net, pixels, 25.0)
    print("largest values of the maps", np.abs(maps).max((1, 2)))
    save_file({"image": torch.from_numpy(pixels), "maps": torch.from_numpy(np.ascontiguousarray(maps)), "style": torch.from_numpy(style)},
              root / "golden.safetensors")


if __name__ == "__main__":
    main(sys.argv[1])
