"""Times what diffusion-benchmark times, in PyTorch: python diffusion_pytorch.py FOLDER [RUNS] [bfloat16]

torch 2.13, diffusers 0.42; two threads, or as many as THREADS says.
"""

import os
import statistics
import sys
import time

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
arguments = sys.argv[1:]
numbers = torch.bfloat16 if arguments[-1] == "bfloat16" else torch.float32
folder, runs = arguments[0], int(arguments[1]) if len(arguments) > 1 and arguments[1].isdigit() else 3


def measure(what, body):
    body()
    seconds = []
    for _ in range(runs):
        begin = time.perf_counter()
        body()
        seconds.append(time.perf_counter() - begin)
    print(f"| PyTorch: {what}, {numbers}, median of {runs} | {statistics.median(seconds):.3f} s |", flush=True)


with torch.inference_mode():
    vae = AutoencoderKL.from_pretrained(folder, subfolder="vae", torch_dtype=numbers)
    image = torch.randn(1, 3, 512, 512).clamp(-1, 1).to(numbers)
    measure("VAE encoder, 512²", lambda: vae.encode(image))
    del vae
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=numbers)
    latent, context = torch.randn(1, 4, 64, 64).to(numbers), torch.randn(1, 77, unet.config.cross_attention_dim).to(numbers)
    measure("U-Net, 64² latent, plain", lambda: unet(latent, 20, context))
