"""Measures in PyTorch what TensorBenchmark measures: the layers that Stable Diffusion 1.5 spends its time in.

    OMP_WAIT_POLICY=PASSIVE python tensor_pytorch.py [RUNS] [WORD] [--threads N] [--bfloat16]

Only the layers whose name contains WORD. Waiting passively, threads that have nothing to do use no processor time.
"""

import argparse
import statistics
import time

import torch
from torch.nn import functional

parser = argparse.ArgumentParser()
parser.add_argument("runs", nargs="?", type=int, default=5)
parser.add_argument("word", nargs="?", default="")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--bfloat16", action="store_true")
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
torch.set_default_dtype(torch.bfloat16 if options.bfloat16 else torch.float32)

layers = []


def convolution(side, inputs, outputs, images=1, stride=1):
    def prepared():
        layer, x = torch.nn.Conv2d(inputs, outputs, 3, stride, 1), torch.randn(images, inputs, side, side)
        return lambda: layer(x)

    name = f"conv {side}² {inputs}→{outputs}" + (f" ×{images}" if images > 1 else "") + (f" stride {stride}" if stride > 1 else "")
    layers.append((name, 18 * images * (side // stride) ** 2 * inputs * outputs, prepared))


def linear(rows, inputs, outputs):
    def prepared():
        layer, x = torch.nn.Linear(inputs, outputs), torch.randn(rows, inputs)
        return lambda: layer(x)

    layers.append((f"linear {rows} {inputs}→{outputs}", 2 * rows * inputs * outputs, prepared))


def gated(rows, width):
    def prepared():
        layer, x = torch.nn.Linear(width, 8 * width), torch.randn(rows, width)

        def run():
            value, gate = layer(x).chunk(2, -1)
            return value * functional.gelu(gate)

        return run

    layers.append((f"linear {rows} {width}→{8 * width} gated GELU", 16 * rows * width * width, prepared))


def attention(tokens, heads, width, keys, collects=False):
    def prepared():
        q, k, v = (torch.randn(1, heads, n, width) for n in (tokens, keys, keys))
        return lambda: functional.scaled_dot_product_attention(q, k, v)

    name = f"attention {tokens}×{keys} {heads}×{width}" + (" collected" if collects else "")
    layers.append((name, 4 * tokens * keys * heads * width, prepared))


def group_norm(side, channels):
    def prepared():
        layer, x = torch.nn.GroupNorm(32, channels), torch.randn(1, channels, side, side)
        return lambda: functional.silu(layer(x))

    layers.append((f"group norm + SiLU {side}² {channels}", 8 * side * side * channels, prepared))


for shape in (
    (64, 320, 320), (64, 640, 320), (64, 960, 320), (64, 640, 640),
    (32, 640, 640), (32, 960, 640), (32, 1280, 640), (32, 1920, 640), (32, 1280, 1280),
    (16, 1280, 1280), (16, 1920, 1280), (16, 2560, 1280), (8, 1280, 1280), (8, 2560, 1280),
    (512, 128, 128), (256, 256, 256), (128, 512, 512), (64, 512, 512),
):  # fmt: skip
    convolution(*shape)
convolution(16, 1280, 1280, images=4)
convolution(64, 320, 320, stride=2)
convolution(16, 1280, 1280, stride=2)
convolution(64, 4, 320)
convolution(512, 3, 128)
for rows, width in ((4096, 320), (1024, 640), (256, 1280), (64, 1280)):
    linear(rows, width, width)
    linear(rows, width, 8 * width)
    gated(rows, width)
    linear(rows, 4 * width, width)
linear(77, 768, 320)
linear(1, 1280, 1280)
for tokens, heads, width in ((4096, 8, 40), (1024, 8, 80), (256, 8, 160)):
    attention(tokens, heads, width, tokens)
    attention(tokens, heads, width, tokens, collects=True)
    attention(tokens, heads, width, 77)
attention(4096, 1, 512, 4096)
group_norm(64, 320)
group_norm(512, 128)

print(f"PyTorch {torch.__version__}, {options.threads} threads, medians of {options.runs} runs")
with torch.inference_mode():
    for name, operations, prepared in layers:
        if options.word not in name:
            continue
        run = prepared()
        run()
        seconds, processor = [], []
        for _ in range(options.runs):
            start, used = time.perf_counter(), time.process_time()
            run()
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - used)
        median, processor = statistics.median(seconds), statistics.median(processor)
        print(f"| {name} | {median * 1e3:.2f} ms, processor {processor * 1e3:.2f} ms "
              f"| {operations / median * 1e-9:.0f} GFLOP/s |", flush=True)
