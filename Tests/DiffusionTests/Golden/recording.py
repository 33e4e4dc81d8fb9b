"""Seeded weights for Stable Diffusion's networks, and what the networks compute on the way: used by make_golden.py (tiny
networks, committed) and check_diffusion.py (full size, made when the check runs).

Every golden array is float32 and channels last: [N, H, W, C] for maps, [N, tokens, C] for text.
"""

import contextlib
import platform

import diffusers
import numpy as np
import safetensors
import torch
import transformers
from diffusers.models.attention_processor import AttnProcessor

VERSIONS = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "diffusers": diffusers.__version__,
    "transformers": transformers.__version__,
    "safetensors": safetensors.__version__,
    "numpy": np.__version__,
}


# What adds to the residual stream of U-Net, VAE and text encoder.
WRITERS = (
    "conv_in", "conv2", "proj_in", "proj_out", "to_out.0", "ff.net.2", "token_embedding", "position_embedding", "out_proj", "fc2",
)
# What maps the stream to itself.
MAPS = ("samplers.0.conv", "conv_shortcut")
# The stream's values are this small, so that its variance comes near the epsilons of the norms that read it (1e-5 and 1e-6): a
# network with the wrong one would otherwise agree to five digits.
STREAM = 0.01


@torch.no_grad()
def seed_weights(model, seed, precision=torch.float16):
    """Fills a model with weights under which every layer matters, rounded to `precision` and kept in float32.

    Fan-in scaling keeps activations inside of branches near 1 and the stream between them near STREAM; queries and keys are
    larger, so that attention is far from uniform; norms and biases are random, so that none can be left out unnoticed.
    """
    generator = torch.Generator().manual_seed(seed)
    norms = (torch.nn.GroupNorm, torch.nn.LayerNorm)
    normalising = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, norms)}
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name in normalising:
            value = 1 + 0.2 * noise
        elif name.endswith("bias"):
            value = 0.1 * noise
        elif "embedding.weight" in name:
            value = 0.7 * noise
        else:
            gain = 1.7 if any(f".{key}." in name for key in ("to_q", "to_k", "q_proj", "k_proj")) else 0.8
            value = gain * noise / np.sqrt(parameter[0].numel())
        module, _, kind = name.rpartition(".")
        if module.endswith(WRITERS) or kind == "bias" and module.endswith(MAPS):
            value *= STREAM
        parameter.copy_(value.to(precision).float())
    return model.eval()


def channels_last(tensor):
    """[N, C, H, W] -> [N, H, W, C] as a float32 array."""
    return np.ascontiguousarray(tensor.detach().float().permute(0, 2, 3, 1).numpy())


class AffinityProcessor(AttnProcessor):
    """diffusers' own attention, which hands over queries, keys and probabilities of one self-attention layer."""

    def __init__(self, receive):
        super().__init__()
        self.receive = receive

    def __call__(self, attn, hidden_states, **arguments):
        query, key = attn.to_q(hidden_states), attn.to_k(hidden_states)
        probabilities = attn.get_attention_scores(attn.head_to_batch_dim(query), attn.head_to_batch_dim(key))
        self.receive(query, key, probabilities)
        return super().__call__(attn, hidden_states, **arguments)


def record_unet(unet, latent, timestep, context, affinity_rows):
    """Everything about one pass: {name: array}.

    `latent` [1, C, H, W], `context` [1, 77, C]. `affinity_rows(n)` says which rows of an n x n affinity are kept. Names:
    `down_blocks.0` ... `mid_block` ... `up_blocks.3`, `noise` (outputs), and for each of the 16 layers, by its module name,
    `<layer>.query`, `<layer>.key` [1, tokens, C] (heads side by side), `<layer>.rows` [kept rows, tokens] and
    `<layer>.columns` [tokens], the chosen rows and the mean of all rows of softmax(QK'/sqrt d), mean over heads.
    """
    recorded = {}

    def receiver(layer):
        def receive(query, key, probabilities):
            mean = probabilities.double().mean(dim=0)
            recorded[f"{layer}.query"] = query.detach().float().numpy().copy()
            recorded[f"{layer}.key"] = key.detach().float().numpy().copy()
            recorded[f"{layer}.rows"] = mean[affinity_rows(len(mean))].float().numpy()
            recorded[f"{layer}.columns"] = mean.mean(dim=0).float().numpy()

        return receive

    unet.set_attn_processor(
        {
            name: AffinityProcessor(receiver(name.removesuffix(".processor"))) if ".attn1." in name else AttnProcessor()
            for name in unet.attn_processors
        }
    )

    def hook(name):
        def keep(_, __, output):
            recorded[name] = channels_last(output[0] if isinstance(output, tuple) else output)

        return keep

    with contextlib.ExitStack() as stack, torch.no_grad():
        for name, module in unet.named_modules():
            if name == "mid_block" or name.count(".") == 1 and name.startswith(("down_blocks.", "up_blocks.")):
                stack.callback(module.register_forward_hook(hook(name)).remove)
        recorded["noise"] = channels_last(unet(latent, timestep, encoder_hidden_states=context).sample)
    assert sum(name.endswith(".rows") for name in recorded) == 16
    return recorded


def record_vae(vae, image, scaling_factor):
    """`image` [1, 3, H, W] in -1 ... 1 -> `conv_in`, `down_blocks.i`, `mid_block`, `moments` (mean | log variance before
    clamping, after quant_conv) and `latents` (mean times the scaling factor)."""
    recorded = {}

    def hook(name):
        return lambda _, __, output: recorded.update({name: channels_last(output)})

    with contextlib.ExitStack() as stack, torch.no_grad():
        for name, module in vae.encoder.named_modules():
            if name in ("conv_in", "mid_block") or name.startswith("down_blocks.") and name.count(".") == 1:
                stack.callback(module.register_forward_hook(hook(name)).remove)
        distribution = vae.encode(image).latent_dist
    recorded["moments"] = channels_last(distribution.parameters)
    recorded["latents"] = channels_last(distribution.mean * scaling_factor)
    return recorded


def record_text(encoder, identifiers):
    """[1, 77] ids -> the text encoder's last hidden state [1, 77, C], as StableDiffusionPipeline takes it."""
    with torch.no_grad():
        return encoder(torch.tensor([identifiers], dtype=torch.long))[0].float().numpy()


def relative_error(a, b):
    """The largest difference, relative to the largest value."""
    return float(np.abs(a.astype(np.float64) - b).max() / np.abs(b).max())
