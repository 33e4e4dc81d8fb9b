"""Times what cellpose-benchmark times, in cellpose 3.1.1.3 on PyTorch: python cellpose_pytorch.py FILE [RUNS]

torch 2.13; two threads, or as many as THREADS says. CellPose runs its network through MKL-DNN tensors on a CPU by default; plain and
channels-last tensors, which newer versions of PyTorch are faster with, are timed too.
"""

import os
import statistics
import sys
import time

import numpy as np
import torch
from cellpose.models import CellposeModel
from cellpose.resnet_torch import CPnet
from torch.utils import mkldnn

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
path, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 11


def measure(what, runs, parts, body):
    body()
    wall, processor = [], []
    for _ in range(runs):
        begin, used = time.perf_counter(), time.process_time()
        body()
        wall.append((time.perf_counter() - begin) / parts)
        processor.append((time.process_time() - used) / parts)
    print(f"| PyTorch: {what}, median of {runs} | {statistics.median(wall) * 1e3:.1f} ms, processor "
          f"{statistics.median(processor) * 1e3:.1f} ms |", flush=True)


def network(use_mkldnn):
    net = CPnet([2, 32, 64, 128, 256], 3, sz=3, mkldnn=use_mkldnn)
    net.load_model(path)
    return net.eval()


with torch.no_grad():
    plain, converted = network(False), mkldnn.to_mkldnn(network(True))
    last = network(False).to(memory_format=torch.channels_last)
    for count in (1, 2, 4, 8):
        tiles = torch.rand(count, 2, 224, 224)
        measure(f"CPnet, tiles of 224² ×{count}, each", runs, count, lambda: plain(tiles))
        measure(f"CPnet, tiles of 224² ×{count}, each, MKL-DNN tensors", runs, count, lambda: converted(tiles))
        pixels = tiles.to(memory_format=torch.channels_last)
        measure(f"CPnet, tiles of 224² ×{count}, each, channels last", runs, count, lambda: last(pixels))
    if runs >= 4:
        model = CellposeModel(gpu=False, pretrained_model=path)
        image = np.random.default_rng(1).random((1024, 1024), dtype=np.float32)
        measure("CellPose maps of 1024², diameter 30, 36 tiles", runs // 4, 1,
                lambda: model.eval(image, channels=[0, 0], diameter=30, compute_masks=False))
