"""Makes the golden files of TensorsTests with PyTorch 2.13 in double precision, rounded to float32.

    python make_golden.py

Inputs are not stored: `noise` below and in Noise.swift give the same values.
"""

import pathlib

import numpy as np
import torch
from torch.nn import functional

folder = pathlib.Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)


def noise(seed, *shape, scale=1.0):
    """Values in [−scale, scale), multiples of scale · 2⁻²³: splitmix64."""
    count = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    values = ((z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)) * np.float32(scale)
    return torch.from_numpy(values.reshape(shape).astype(np.float64))


def save(name, tensor):
    (folder / f"{name}.f32").write_bytes(tensor.to(torch.float32).contiguous().numpy().astype("<f4").tobytes())


def channels_first(x):
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def convolution(name, images, height, width, inputs, outputs, kernel, stride, padding):
    """padding: top, left, bottom, right."""
    x, weight, bias = noise(1, images, height, width, inputs), noise(2, outputs, inputs, *kernel), noise(3, outputs)
    top, left, bottom, right = padding
    padded = functional.pad(channels_first(x), (left, right, top, bottom))
    save(f"convolution_{name}", channels_last(functional.conv2d(padded, weight, bias, stride)))


convolution("winograd", 2, 9, 7, 48, 32, (3, 3), 1, (1, 1, 1, 1))
convolution("even", 1, 8, 12, 16, 64, (3, 3), 1, (1, 1, 1, 1))
convolution("down", 2, 9, 8, 20, 33, (3, 3), 2, (1, 1, 1, 1))
convolution("encoder", 1, 8, 8, 32, 32, (3, 3), 2, (0, 0, 1, 1))
convolution("point", 2, 3, 5, 24, 40, (1, 1), 1, (0, 0, 0, 0))
convolution("odd", 1, 7, 9, 5, 6, (5, 3), 1, (2, 0, 1, 3))

save("linear", functional.linear(noise(1, 2, 37, 1500), noise(2, 40, 1500), noise(3, 40)))
save("linear_row", functional.linear(noise(1, 1, 1024), noise(2, 96, 1024)))

x, weight, bias = noise(1, 2, 5, 7, 64), noise(2, 64), noise(3, 64)
group = functional.group_norm(channels_first(x), 32, weight, bias, 1e-5)
save("group_norm", channels_last(group))
save("group_norm_silu", channels_last(functional.silu(group)))
save("group_norm_gelu", channels_last(functional.gelu(group)))
distant = noise(1, 1, 8, 8, 32, scale=0.5) + 1000
save("group_norm_distant", channels_last(functional.group_norm(channels_first(distant.float().double()), 4, noise(2, 32), noise(3, 32), 1e-6)))
save("layer_norm", functional.layer_norm(noise(1, 3, 7, 80), (80,), noise(2, 80), noise(3, 80), 1e-5))

points = torch.linspace(-20, 20, 4001, dtype=torch.float32).double()
save("silu", functional.silu(points))
save("gelu", functional.gelu(points))
save("quick_gelu", points * torch.sigmoid(float(np.float32(1.702)) * points))
value, gate = noise(1, 3, 5, 48, scale=4).chunk(2, -1)
save("gated_gelu", value * functional.gelu(gate))


def attention(name, images, tokens, keys, heads, width, causal=False, scale=1.0):
    q, k, v = (noise(seed, images, n, heads * width, scale=scale) for seed, n in ((1, tokens), (2, keys), (3, keys)))
    split = lambda t: t.reshape(t.shape[0], t.shape[1], heads, width).transpose(1, 2)
    logits = split(q) @ split(k).transpose(-1, -2) / width**0.5
    if causal:
        logits = logits.masked_fill(torch.ones(tokens, keys).triu(1).bool(), -torch.inf)
    probabilities = logits.softmax(-1)
    save(f"attention_{name}", (probabilities @ split(v)).transpose(1, 2).reshape(images, tokens, heads * width))
    return probabilities


attention("cross", 1, 50, 77, 3, 40)
attention("causal", 1, 45, 45, 2, 16, causal=True)
attention("long", 1, 33, 600, 1, 256)
probabilities = attention("self", 2, 70, 70, 2, 24, scale=6.0)
mean = probabilities.reshape(-1, 70, 70).mean(0)
save("affinity", (mean + mean.T) / 2)


def normalized_convolution(name, images, height, width, inputs, outputs):
    """Batch normalisation of x plus an offset for each image, ReLU, and a 3 x 3 convolution added to a residual."""
    x, offset = noise(1, images, height, width, inputs), noise(8, images, inputs)
    mean, variance = noise(4, inputs), 1 + 0.5 * noise(5, inputs)
    shifted = channels_first(x) + offset[:, :, None, None]
    normal = functional.batch_norm(shifted, mean, variance, noise(6, inputs), noise(7, inputs), False, 0, 1e-5)
    result = functional.conv2d(functional.relu(normal), noise(2, outputs, inputs, 3, 3), noise(3, outputs), padding=1)
    save(f"normalized_convolution_{name}", channels_last(result) + noise(9, images, height, width, outputs))


normalized_convolution("winograd", 2, 9, 7, 48, 32)
normalized_convolution("patches", 2, 5, 6, 10, 8)
x = channels_first(noise(1, 2, 5, 7, 10))
normal = functional.batch_norm(x, noise(4, 10), 1 + 0.5 * noise(5, 10), noise(6, 10), noise(7, 10), False, 0, 1e-5)
save("batch_norm", channels_last(normal))
save("batch_norm_silu", channels_last(functional.silu(normal)))
save("batch_norm_gelu", channels_last(functional.gelu(normal)))
save("batch_norm_linear", functional.linear(channels_last(normal), noise(2, 6, 10), noise(3, 6)))
save("max_pool", channels_last(functional.max_pool2d(x, 2)))
save("channel_means", x.mean((2, 3)))
