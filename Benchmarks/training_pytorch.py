"""The counterpart of training-benchmark in PyTorch: the same networks, patches of the same sizes, two threads.

    python training_pytorch.py [RUNS]

Of the two layouts of memory that PyTorch offers the faster one counts.
"""

import statistics
import sys
import time

import torch
from unet import UNet, loss_of

runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
torch.set_num_threads(2)
torch.manual_seed(1)
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")


def median(body):
    body()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1e3


for name, dimensions, levels, shape in [("3-D, 64³", 3, 4, (64, 64, 64)), ("2-D, 512²", 2, 5, (512, 512))]:
    best = {}
    for layout in [torch.contiguous_format, torch.channels_last_3d if dimensions == 3 else torch.channels_last]:
        network = UNet(dimensions, 2, 32, levels).to(memory_format=layout)
        x = torch.randn(1, 1, *shape).to(memory_format=layout)
        labels = (torch.rand(1, *shape) > 0.7).long()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)

        def step():
            optimizer.zero_grad()
            loss_of(network(x), labels).backward()
            optimizer.step()

        def infer():
            with torch.no_grad():
                network(x)

        network.train()
        training = median(step)
        network.eval()
        inference = median(infer)
        for key, value in [("training step", training), ("inference", inference)]:
            best[key] = min(best.get(key, float("inf")), value)
    for key, value in best.items():
        print(f"U-Net of 32 channels, {levels} levels, {name}, {key}, median of {runs}: {value:.0f} ms")
