"""The counterpart of training-benchmark in PyTorch: the same networks, patches of the same sizes, two threads.

    python training_pytorch.py [RUNS]

Of the two layouts of memory that PyTorch offers the faster one counts.
"""

import math
import random
import statistics
import sys
import time

import torch
from torch.nn import functional
from unet import UNet, loss_of

runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
torch.set_num_threads(2)
torch.manual_seed(1)
random.seed(1)
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


# The default network of membranes, with the recipe's default augmentations (train-membrane.patch.augmentation) of patches of one volume.


def drawn(probability, low, high, is_ratio=False):
    if random.random() >= probability:
        return None
    return math.exp(random.uniform(math.log(low), math.log(high))) if is_ratio else random.uniform(low, high)


def placed(volume, classes, side, context, augmented):
    """A patch of densities [1][slices][y][x] and labels [y][x], turned and enlarged about its middle."""
    angle = drawn(0.5, -math.pi, math.pi) if augmented else None
    zoom = drawn(0.3, 0.75, 1.35, True) if augmented else None
    reach = side if angle is None and zoom is None else math.ceil(side * (1 if angle is None else math.sqrt(2)) / min(zoom or 1, 1)) + 2
    reach = min(reach, volume.shape[1])
    z, y, x = (random.randrange(size - length + 1) for size, length in zip(volume.shape, (2 * context + 1, reach, reach)))
    densities, labels = volume[None, z:z + 2 * context + 1, y:y + reach, x:x + reach], classes[z + context, y:y + reach, x:x + reach]
    if angle is not None or zoom is not None:
        cosine, sine = (f(angle or 0) / (zoom or 1) * side / reach for f in (math.cos, math.sin))
        theta = torch.tensor([[[cosine, -sine, 0], [sine, cosine, 0]]])
        grid = functional.affine_grid(theta, (1, 1, side, side), align_corners=False)
        densities = functional.grid_sample(densities, grid, mode="bilinear", padding_mode="border", align_corners=False)
        labels = functional.grid_sample(labels[None, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False)[0, 0].long()
    turns, flip = random.randrange(4), random.random() < 0.5
    densities, labels = torch.rot90(densities, turns, (2, 3)), torch.rot90(labels, turns, (0, 1))
    return (densities.flip(3), labels.flip(1)) if flip else (densities, labels)


def changed(x, labels):
    """Other densities: noise, blur, spectrum, wedge, contrast, brightness, gamma, gradient, blanked boxes."""
    if (number := drawn(0.4, 0, 0.7)) is not None:
        x = x + number * torch.randn_like(x)
    blur, spectrum, wedge = drawn(0.3, 0.3, 1.2), drawn(0.3, 0.1, 0.4), drawn(0.2, 40, 70)
    if (blur, spectrum, wedge) != (None, None, None):
        frequencies = torch.meshgrid(*(torch.fft.fftfreq(n) for n in x.shape[1:3]), torch.fft.rfftfreq(x.shape[3]), indexing="ij")
        radius, factor = torch.sqrt(sum(f * f for f in frequencies)), torch.ones(())
        if blur is not None:
            factor = factor * torch.exp(-2 * (math.pi * blur * radius) ** 2)
        if spectrum is not None:
            knots = torch.exp(spectrum * torch.randn(8))
            place = (radius * 7 / 0.87).clamp(max=6.999)
            low = place.long()
            factor = factor * torch.lerp(knots[low], knots[low + 1], place - low)
        if wedge is not None:
            axis = random.uniform(0, math.pi)
            across = (frequencies[2] * math.cos(axis) + frequencies[1] * math.sin(axis)).abs()
            factor = factor * (frequencies[0].abs() <= across * math.tan(math.radians(wedge)))
        x = torch.fft.irfftn(torch.fft.rfftn(x[0]) * factor, s=x.shape[1:])[None]
    if (number := drawn(0.5, 0.7, 1.4, True)) is not None:
        x = x * number
    if (number := drawn(0.3, -0.2, 0.2)) is not None:
        x = x + number
    if (number := drawn(0.2, 0.7, 1.4, True)) is not None:
        mean, deviation, low, high = x.mean(), x.std(), x.min(), x.max()
        x = ((x - low) / (high - low + 1e-6)) ** number
        x = (x - x.mean()) / (x.std() + 1e-6) * deviation + mean
    if (number := drawn(0.2, 0, 0.5)) is not None:
        ramps = [torch.linspace(-1, 1, n) for n in x.shape[1:]]
        direction = functional.normalize(torch.randn(3), dim=0)
        x = x + number * (direction[0] * ramps[0][:, None, None] + direction[1] * ramps[1][:, None] + direction[2] * ramps[2])
    if (number := drawn(0.2, 0.05, 0.25)) is not None:
        x, labels = x.clone(), labels.clone()
        for _ in range(random.randint(1, 3)):
            sides = [max(1, int(random.random() * number * n)) for n in x.shape[2:]]
            y, c = (random.randrange(n - side) for n, side in zip(x.shape[2:], sides))
            x[:, :, y:y + sides[0], c:c + sides[1]] = 0
            labels[y:y + sides[0], c:c + sides[1]] = -100
    return x, labels


volume = torch.randn(32, 512, 512)
classes = (volume > 0.5).long()
for name in ("none", "all"):
    network = UNet(2, 2, 32, 4)
    first = network.encoder[0][0]
    network.encoder[0][0] = torch.nn.Conv2d(5, first.out_channels, 3, padding=1, bias=False)
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)

    def ten_steps():
        for _ in range(10):
            patches = []
            for _ in range(4):
                patch = placed(volume, classes, 256, 2, name == "all")
                patches.append(changed(*patch) if name == "all" else patch)
            x = torch.cat([x for x, _ in patches]).to(memory_format=torch.channels_last)
            labels = torch.stack([labels for _, labels in patches])
            optimizer.zero_grad()
            logits = network(x)
            known = labels >= 0
            entropy = functional.cross_entropy(logits, labels)
            share = torch.softmax(logits, 1)[:, 1] * known
            truth = (labels == 1).float()
            (entropy + 1 - (2 * (share * truth).sum() + 1) / (share.sum() + truth.sum() + 1)).backward()
            optimizer.step()

    print(f"2.5-D, 4 patches of 256², ten steps, augmentations: {name}, median of {runs}: {median(ten_steps):.0f} ms")
