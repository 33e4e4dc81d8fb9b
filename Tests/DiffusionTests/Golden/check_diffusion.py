"""Makes a Stable Diffusion folder of full size with seeded random weights, and what diffusers computes with it.

    python check_diffusion.py sd15 FOLDER      # Stable Diffusion 1.5: 4.3 GB in float32, 2.1 GB with --precision float16
    python check_diffusion.py sd21 FOLDER      # Stable Diffusion 2.1-base: 5.2 GB, 2.6 GB

FOLDER receives `model/`, in the diffusers layout (without a tokenizer: CLIP's vocabulary is no random number),
`original.safetensors`, the same in one file (as much again), and `golden.safetensors` with the arrays that make_golden.py documents, where they are

    tokens.prompt                   [77] int32         start, 20 random tokens, end, padding
    context.prompt                  [1, 77, C]
    image                           [256, 384, 3] uint8
    vae.*                                              all but conv_in, down_blocks.0 and down_blocks.1, which are large
    latent                          [1, 64, 64, 4]
    affinity.rows.N                 int32              64 rows that are kept, or all
    t261.*                                             U-Net with the prompt's context: outputs of blocks, rows and columns of
                                                       affinities; queries and keys of 64 tokens (affinity.rows.N)

Networks are made, used and freed one after another; then the one file is put together: at most 10 GB of memory, a few minutes on two
cores.
"""

import argparse
import gc
import pathlib
import shutil

import diffusers
import numpy as np
import original_layout
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from make_golden import SCHEDULER, TEXT1, TEXT2, UNET1, UNET2, VAE2, prepared, write_json
from recording import VERSIONS, record_text, record_unet, record_vae, seed_weights
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

FULL = dict(block_out_channels=[320, 640, 1280, 1280], norm_num_groups=32, sample_size=64)
FULL_VAE = VAE2 | dict(block_out_channels=[128, 256, 512, 512], norm_num_groups=32, sample_size=512)
FULL_TEXT = dict(vocab_size=49408, bos_token_id=0, eos_token_id=2)
MODELS = {
    "sd15": dict(
        unet=UNET1 | FULL | dict(attention_head_dim=8, cross_attention_dim=768),
        text=TEXT1 | FULL_TEXT | dict(hidden_size=768, intermediate_size=3072, num_attention_heads=12, num_hidden_layers=12),
        padding=49407, seed=15,
    ),
    "sd21": dict(
        unet=UNET2 | FULL | dict(attention_head_dim=[5, 10, 20, 20], cross_attention_dim=1024),
        text=TEXT2 | FULL_TEXT
        | dict(hidden_size=1024, intermediate_size=4096, num_attention_heads=16, num_hidden_layers=23, projection_dim=512),
        padding=0, seed=21,
    ),
}
PARAMETERS = {"sd15": 859_520_964, "sd21": 865_910_724}


def kept_rows(n):
    return list(range(n)) if n <= 64 else list(range(n // 128, n, n // 64))


def main(name, folder, precision):
    model = MODELS[name]
    seed = model["seed"]
    root = pathlib.Path(folder)
    shutil.rmtree(root / "model", ignore_errors=True)
    random = np.random.default_rng(seed)
    tokens = [49406, *random.integers(0, 49406, 20).tolist(), 49407]
    tokens += [model["padding"]] * (77 - len(tokens))
    image = random.integers(0, 256, (256, 384, 3), dtype=np.uint8)
    latent = random.standard_normal((1, 64, 64, 4), dtype=np.float32)
    arrays = {"tokens.prompt": np.array(tokens, dtype=np.int32), "image": image, "latent": latent}

    write_json(root / "model/model_index.json", dict(_class_name="StableDiffusionPipeline", _diffusers_version="0.10.0"))
    write_json(root / "model/scheduler/scheduler_config.json", SCHEDULER)

    def save(network, part, stem, prefix=""):
        state = {prefix + key: tensor for key, tensor in prepared(network.state_dict(), precision).items()}
        save_file(state, root / "model" / part / f"{stem}.safetensors", metadata={"format": "pt"})

    write_json(root / "model/text_encoder/config.json", model["text"])
    text = seed_weights(CLIPTextModel(CLIPTextConfig(**model["text"])), seed + 2)
    save(text, "text_encoder", "model", "text_model.")
    arrays["context.prompt"] = record_text(text, tokens)
    del text
    gc.collect()

    write_json(root / "model/vae/config.json", dict(_class_name="AutoencoderKL") | FULL_VAE)
    vae = seed_weights(AutoencoderKL.from_config(FULL_VAE), seed + 1)
    save(vae, "vae", "diffusion_pytorch_model")
    recorded = record_vae(vae, torch.from_numpy(image).permute(2, 0, 1)[None].float() * 2 / 255 - 1, 0.18215)
    large = ("conv_in", "down_blocks.0", "down_blocks.1")
    arrays |= {f"vae.{key}": array for key, array in recorded.items() if key not in large}
    del vae
    gc.collect()

    write_json(root / "model/unet/config.json", dict(_class_name="UNet2DConditionModel") | model["unet"])
    unet = seed_weights(UNet2DConditionModel.from_config(model["unet"]), seed)
    assert sum(parameter.numel() for parameter in unet.parameters()) == PARAMETERS[name]
    save(unet, "unet", "diffusion_pytorch_model")
    recorded = record_unet(
        unet, torch.from_numpy(latent).permute(0, 3, 1, 2), 261, torch.from_numpy(arrays["context.prompt"]), kept_rows)
    for key, array in recorded.items():
        if key.endswith((".query", ".key")):
            array = array[:, kept_rows(array.shape[1])]
        if key.endswith(".rows"):
            arrays[f"affinity.rows.{array.shape[1]}"] = np.array(kept_rows(array.shape[1]), dtype=np.int32)
        arrays[f"t261.{key}"] = array
    for key, array in arrays.items():
        assert np.isfinite(array).all(), key
        if key.endswith(".rows") and key.startswith("t261."):
            print(f"{key}: largest times uniform {array.max() * array.shape[1]:.1f}")
    save_file({key: torch.from_numpy(np.ascontiguousarray(array)) for key, array in arrays.items()}, root / "golden.safetensors")
    original_layout.write(root / "model", root / "original.safetensors")
    write_json(root / "golden.json", dict(model=name, seed=seed, precision=str(precision), versions=VERSIONS))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("folder")
    parser.add_argument("--precision", choices=["float32", "float16"], default="float32", help="of the weights on disk")
    arguments = parser.parse_args()
    diffusers.logging.set_verbosity_error()
    main(arguments.model, arguments.folder, getattr(torch, arguments.precision))
