"""Trains `builtin-diffusion`: a small latent diffusion model in the folder layout of Stable Diffusion.

    python slices.py CELLAR DATA
    python train_diffusion.py vae DATA WORK [--steps N]        # writes WORK/vae.pt
    python train_diffusion.py latents DATA WORK [--tiles N]    # WORK/latents.npz
    python train_diffusion.py unet DATA WORK [--steps N]       # WORK/unet.pt
    python train_diffusion.py export DATA WORK MODEL           # MODEL/, float16

Every part may be stopped and goes on where its last checkpoint was. Seeded; no labels are read.

The autoencoder learns to *see through* noise and contrast transfer: it is shown a slice as it is imaged and compared with the same scene without
noise and as a phase plate shows it; and what tokens hold (density, and the strength of what is fine) is to be read from its latents by a weighted
sum. The U-Net learns to predict the noise of noised latents, as ever, and its self-attention beside that to be of use by itself: the mean of the
other tokens' contents, weighted by its attention, is compared with a token's own (non-local means; a token and its neighbours left out).
Contents are of the scene without noise, no classes.

Versions: torch 2.13.0, diffusers 0.42.1, safetensors 0.8, numpy 2, opencv 4, scipy.
"""

import argparse
import functools
import json
import math
import os
import pathlib
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from slices import crop, scenes
from torch.nn import functional

VAE = dict(
    in_channels=3, out_channels=3, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[16, 32, 64, 64], layers_per_block=1, act_fn="silu", latent_channels=4, norm_num_groups=8, sample_size=512)
UNET = dict(
    sample_size=64, in_channels=4, out_channels=4, down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3, block_out_channels=[32, 48, 64, 96], layers_per_block=2,
    attention_head_dim=[1, 2, 2, 3], cross_attention_dim=8, norm_num_groups=8, act_fn="silu")
SCHEDULER = dict(
    _class_name="PNDMScheduler", beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000,
    prediction_type="epsilon", set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, clip_sample=False)
ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0).float()


def image_tensor(images):
    """Eight-bit images as `[N, 3, H, W]` from -1 to 1."""
    values = torch.from_numpy(np.stack(images)).float() * (2 / 255) - 1
    return values[:, None].expand(-1, 3, -1, -1).contiguous()


def resume(path, network, optimizer):
    if not path.exists():
        return 0, []
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"], state["losses"]


def save(path, **state):
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def rate(step, steps, peak):
    """A twentieth of warming up, then a cosine down to a twentieth."""
    warm = max(1, steps // 20)
    if step < warm:
        return peak * (step + 1) / warm
    return peak * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))


def train_vae(options):
    torch.manual_seed(7)
    network = AutoencoderKL.from_config(VAE)
    # What latents are read by: a weighted sum for each of the contents, of which nothing is left after training.
    network.reader = torch.nn.Conv2d(4, 2, 1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    path = options.work / "vae.pt"
    step, losses = resume(path, network, optimizer)
    data = scenes(options.data)
    start, ran = time.monotonic(), []
    while step < options.steps:
        random = np.random.default_rng([7, step])
        torch.manual_seed(step)
        crops = [crop(random, data, 128) for _ in range(8)]
        noisy, sharp = (image_tensor(images) for images in list(zip(*crops))[::2])
        held = torch.from_numpy(np.stack([contents(target, clean) for _, clean, target in crops]))
        for group in optimizer.param_groups:
            group["lr"] = rate(step, options.steps, 1.5e-3)
        with torch.autocast("cpu", torch.bfloat16):
            posterior = network.encode(noisy).latent_dist
            latents = posterior.sample()
            image = network.decode(latents).sample.float()
        difference = image - sharp
        blurred = functional.avg_pool2d(difference, 4)
        loss = difference.abs().mean() + blurred.abs().mean()
        kl = posterior.kl().float().mean() / posterior.mean[0].numel()
        # Read through noise as that of an early timestep, lest contents hide where latents vary little.
        latents = latents.float()
        read = reading_loss(network.reader(latents + 0.3 * latents.std() * torch.randn_like(latents)), held)
        optimizer.zero_grad()
        (loss + 1e-3 * kl + options.reading * read).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        ran.append([loss.item(), read.item(), kl.item()])
        if step % 25 == 0:
            losses.append([step, *np.mean(ran, axis=0).tolist()])
            print(f"vae {step} image {losses[-1][1]:.4f} contents {losses[-1][2]:.4f} kl {losses[-1][3]:.3f} "
                  f"{time.monotonic() - start:.0f} s", flush=True)
            ran = []
        if step % 100 == 0 or step == options.steps:
            save(path, network=network.state_dict(), optimizer=optimizer.state_dict(), step=step, losses=losses)


def contents(target, clean):
    """What there is to see in a tile of 512 pixels or a part of it, for each of its tokens of 8 × 8 pixels: `[2, H / 8, W / 8]`.

    Density, as a phase plate shows it, and the strength of what is finer than a token's neighbourhood (a membrane's two leaflets, the rims of
    particles) in the slice as it is imaged. Of eleven channels at several scales these two kinds were those whose Gaussian affinity has the
    most telling eigenvectors.
    """
    def blurred(image):
        dense = (255.0 - image.astype(np.float32)) / 64
        return dense, cv2.GaussianBlur(dense, (0, 0), 3)

    fine, coarse = blurred(clean)
    maps = blurred(target)[1], np.sqrt(cv2.GaussianBlur((fine - coarse) ** 2, (0, 0), 8))
    height, width = (side // 8 for side in clean.shape)
    return np.stack([cv2.resize(m, (width, height), interpolation=cv2.INTER_AREA) for m in maps])


def without_reader(work):
    state = torch.load(work / "vae.pt", weights_only=True)["network"]
    return {name: tensor for name, tensor in state.items() if not name.startswith("reader.")}


def reading_loss(read, held):
    """The part of the variance within a crop that is read wrong."""
    centred = lambda maps: maps - maps.mean((2, 3), keepdim=True)
    held = centred(held)
    return ((centred(read) - held).pow(2).mean((0, 2, 3)) / (held.pow(2).mean((0, 2, 3)) + 1e-6)).mean()


def make_latents(options):
    network = AutoencoderKL.from_config(VAE)
    network.load_state_dict(without_reader(options.work))
    network.eval()
    data = scenes(options.data)
    latents, targets = [], []
    start = time.monotonic()
    for index in range(options.tiles):
        noisy, clean, target = crop(np.random.default_rng([8, index]), data, 512, leaves=0.1)
        with torch.no_grad():
            latents.append(network.encode(image_tensor([noisy])).latent_dist.mean[0].numpy().astype(np.float16))
        targets.append(contents(target, clean).astype(np.float16))
        if (index + 1) % 50 == 0:
            print(f"latents {index + 1} {time.monotonic() - start:.0f} s", flush=True)
        if (index + 1) % 200 == 0 or index + 1 == options.tiles:
            np.savez(options.work / "latents.part.npz", latents=np.stack(latents), contents=np.stack(targets))
            (options.work / "latents.part.npz").replace(options.work / "latents.npz")


class Recorder:
    """Self-attention as diffusers computes it, which keeps queries and keys of those layers that are asked for."""

    def __init__(self):
        self.kept = None

    def __call__(self, attention, hidden_states, encoder_hidden_states=None, **_):
        query, key, value = attention.to_q(hidden_states), attention.to_k(hidden_states), attention.to_v(hidden_states)
        heads = lambda x: x.unflatten(2, (attention.heads, -1)).transpose(1, 2)
        query, key, value = heads(query), heads(key), heads(value)
        if self.kept is not None:
            self.kept.append((query, key))
        out = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return attention.to_out[1](attention.to_out[0](out))


def self_attentions(network):
    return [(name, module) for name, module in network.named_modules() if name.endswith("attn1")]


@functools.cache
def neighbours(side, reach):
    """Minus infinity for pairs of tokens that are too near to count, 0 for others: `[n, n]`."""
    place = torch.arange(side * side)
    y, x = place // side, place % side
    near = ((y[:, None] - y[None]).abs() <= reach) & ((x[:, None] - x[None]).abs() <= reach)
    return torch.zeros(near.shape).masked_fill(near, float("-inf"))


def attention_loss(recorders, targets):
    """How well the contents of a token are those of the tokens that it attends to; 1 for attention that is even.

    Of the first images only, as many as `targets` has.
    """
    losses = []
    for recorder in recorders:
        (query, key), = recorder.kept
        query, key = query[: len(targets)].float(), key[: len(targets)].float()
        _, heads, tokens, width = query.shape
        side = int(tokens**0.5)
        goal = functional.adaptive_avg_pool2d(targets, side).flatten(2).transpose(1, 2)
        goal = goal - goal.mean(1, keepdim=True)
        goal = goal / (goal.pow(2).mean((0, 1), keepdim=True) + 1e-3).sqrt()
        values = functional.pad(goal, (0, width - goal.shape[2]))[:, None].expand(-1, heads, -1, -1)
        found = functional.scaled_dot_product_attention(query, key, values, attn_mask=neighbours(side, 1 if side > 8 else 0))
        losses.append(((found[..., : goal.shape[2]] - goal[:, None]) ** 2).mean())
    return torch.stack(losses).mean()


def train_unet(options):
    torch.manual_seed(9)
    network = UNet2DConditionModel.from_config(UNET)
    recorders = []
    for _, module in self_attentions(network):
        recorders.append(Recorder())
        module.set_processor(recorders[-1])
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    path = options.work / "unet.pt"
    step, losses = resume(path, network, optimizer)
    average = {name: value.clone() for name, value in network.state_dict().items()}
    if path.exists():
        average = torch.load(path, weights_only=True)["average"]
    with np.load(options.work / "latents.npz") as file:
        latents, targets = torch.from_numpy(file["latents"]), torch.from_numpy(file["contents"])
    factor = 1 / latents.float().std().item()
    start, ran = time.monotonic(), []
    while step < options.steps:
        random = np.random.default_rng([9, step])
        torch.manual_seed(step)
        images, contents = [], []
        for tile in random.integers(0, len(latents), options.batch):
            y, x = random.integers(0, 17, 2) * 2
            images.append(latents[tile, :, y:y + 32, x:x + 32].float())
            contents.append(targets[tile, :, y:y + 32, x:x + 32].float())
        x0, goal = torch.stack(images) * factor, torch.stack(contents)
        # Most images in the range that features are taken from; attention is judged there.
        early = options.batch * 3 // 4 if options.late else options.batch // 2
        timesteps = torch.randint(0, 1000, (options.batch,))
        timesteps[:early] = torch.randint(0, 150 if options.late else 300, (early,))
        noise = torch.randn_like(x0)
        alpha = ALPHAS[timesteps].view(-1, 1, 1, 1)
        for group in optimizer.param_groups:
            group["lr"] = rate(step, options.steps, options.rate)
        for recorder in recorders:
            recorder.kept = []
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bfloat16):
            found = network(alpha.sqrt() * x0 + (1 - alpha).sqrt() * noise, timesteps, torch.zeros(options.batch, 1, 8)).sample
        denoising = (found.float() - noise).pow(2).mean()
        attention = attention_loss(recorders, goal[:early])
        optimizer.zero_grad()
        (denoising + options.attention * attention).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        decay = min(0.99, step / (step + 10))
        with torch.no_grad():
            for name, value in network.state_dict().items():
                average[name].lerp_(value, 1 - decay)
        ran.append([denoising.item(), attention.item()])
        if step % 20 == 0:
            losses.append([step, *np.mean(ran, axis=0).tolist()])
            print(f"unet {step} noise {losses[-1][1]:.4f} attention {losses[-1][2]:.4f} {time.monotonic() - start:.0f} s", flush=True)
            ran = []
        if step % 100 == 0 or step == options.steps:
            save(path, network=network.state_dict(), average=average, optimizer=optimizer.state_dict(), step=step, losses=losses,
                 factor=factor)


def write_json(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n")


def export(options):
    vae = without_reader(options.work)
    if options.random:
        torch.manual_seed(1)
        unet = dict(average=UNet2DConditionModel.from_config(UNET).state_dict(), factor=1.0)
        vae = AutoencoderKL.from_config(VAE).state_dict()
    else:
        unet = torch.load(options.work / "unet.pt", weights_only=True)
    half = lambda state: {name: tensor.to(torch.float16).contiguous() for name, tensor in state.items()}
    model = options.model
    write_json(model / "model_index.json", dict(_class_name="StableDiffusionPipeline", _diffusers_version="0.42.1"))
    write_json(model / "scheduler/scheduler_config.json", SCHEDULER)
    write_json(model / "vae/config.json", dict(_class_name="AutoencoderKL") | VAE | dict(scaling_factor=round(unet["factor"], 6)))
    write_json(model / "unet/config.json", dict(_class_name="UNet2DConditionModel") | UNET)
    save_file(half(vae), model / "vae/diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    save_file(half(unet["average"]), model / "unet/diffusion_pytorch_model.safetensors", metadata={"format": "pt"})
    save_file({"context": torch.zeros(1, 1, UNET["cross_attention_dim"])}, model / "empty_context.safetensors")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=["vae", "latents", "unet", "export"])
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path, nargs="?")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--tiles", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--reading", type=float, default=1.0, help="weight of what latents are read for, beside the picture")
    parser.add_argument("--attention", type=float, default=0.3, help="weight of the loss of attention beside that of the noise")
    parser.add_argument("--bfloat16", action="store_true", help="train the U-Net in bfloat16, where the processor has it")
    parser.add_argument("--late", action="store_true", help="train the U-Net mostly at timesteps below 150, after its first part")
    parser.add_argument("--random", action="store_true", help="export random weights instead, to compare with")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    {"vae": train_vae, "latents": make_latents, "unet": train_unet, "export": export}[options.part](options)
