"""Makes data/sd1-tiny and data/sd2-tiny: two small Stable Diffusion folders in the diffusers layout with seeded random weights,
and what diffusers computes with them.

    pip install 'torch==2.13.0+cpu' diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0
    python make_golden.py            # writes data/sd1-tiny, data/sd2-tiny

`model/` is a folder as `DiffusionModel` opens it; `golden.json` holds the prompt, seed and versions, `golden.safetensors`,
float32 and channels last,

    tokens.empty, tokens.prompt          [77] int32        the empty prompt, and the one in golden.json
    context.empty, context.prompt        [1, 77, C]        last hidden states
    image                                [H, W, 3] uint8   pixel p enters the VAE as 2 p / 255 - 1
    vae.*                                                  see record_vae in recording.py
    latent                               [1, 16, 8, 4]     the U-Net's input (height 16, width 8)
    affinity.rows.N                      int32             which rows of an N x N affinity are kept
    t50.*  t261.*                                          see record_unet; t50 with the empty prompt, t261 with the
                                                           prompt and without queries and keys

The two differ as Stable Diffusion 1.x and 2.x do, and in how files are laid out:
  sd1-tiny  `attention_head_dim` one number, convolutions as proj_in, quick-GELU, padding with eos, old names (query, key, value,
            proj_attn) of the VAE's attention, in the encoder as 1x1 convolutions, `*.fp16.safetensors`, configs with the few keys
            of 2022, `position_ids` among the text encoder's tensors
  sd2-tiny  heads per block, linear proj_in, GELU, padding with "!", new names, a text encoder in bfloat16 shards
"""

import json
import pathlib
import shutil

import diffusers
import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from recording import VERSIONS, record_text, record_unet, record_vae, relative_error, seed_weights
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

DATA = pathlib.Path(__file__).parent / "data"
PROMPT = "a photo of mitochondria, horse on Mars!"
WORDS = ["a", "photo", "of", "an", "mars", "on", "horse", "mito", "tomogram", "the", "in", "er", "re", "cell"]
START, END = "<|startoftext|>", "<|endoftext|>"

DOWN = ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"]
UP = ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3
UNET1 = dict(
    act_fn="silu", attention_head_dim=2, block_out_channels=[4, 8, 8, 8], center_input_sample=False, cross_attention_dim=12,
    down_block_types=DOWN, downsample_padding=1, flip_sin_to_cos=True, freq_shift=0, in_channels=4, layers_per_block=2,
    mid_block_scale_factor=1, norm_eps=1e-05, norm_num_groups=4, out_channels=4, sample_size=16, up_block_types=UP,
)
UNET2 = UNET1 | dict(
    attention_head_dim=[1, 2, 4, 4], cross_attention_dim=16, dual_cross_attention=False, num_class_embeds=None,
    only_cross_attention=False, use_linear_projection=True,
)
VAE1 = dict(
    act_fn="silu", block_out_channels=[4, 4, 4, 8], down_block_types=["DownEncoderBlock2D"] * 4, in_channels=3, latent_channels=4,
    layers_per_block=2, norm_num_groups=2, out_channels=3, sample_size=128, up_block_types=["UpDecoderBlock2D"] * 4,
)
VAE2 = VAE1 | dict(scaling_factor=0.18215)
TEXT1 = dict(
    attention_dropout=0.0, bos_token_id=0, dropout=0.0, eos_token_id=2, hidden_act="quick_gelu", hidden_size=12,
    initializer_factor=1.0, initializer_range=0.02, intermediate_size=32, layer_norm_eps=1e-05, max_position_embeddings=77,
    model_type="clip_text_model", num_attention_heads=4, num_hidden_layers=3, pad_token_id=1,
)
TEXT2 = TEXT1 | dict(
    hidden_act="gelu", hidden_size=16, intermediate_size=48, num_attention_heads=2, num_hidden_layers=2, projection_dim=8,
)
SCHEDULER = dict(
    _class_name="PNDMScheduler", beta_end=0.012, beta_schedule="scaled_linear", beta_start=0.00085, num_train_timesteps=1000,
    set_alpha_to_one=False, skip_prk_steps=True, steps_offset=1, trained_betas=None, clip_sample=False,
)


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def byte_symbols():
    """The 256 symbols of byte-level BPE in CLIP's order: printable bytes as they are, the others from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + k) for k in range(len(others))]


def write_tokenizer_files(folder, vocabulary, merges, pad):
    """A tokenizer's files as the folders of Stable Diffusion have them."""
    special = lambda content: dict(content=content, lstrip=False, normalized=True, rstrip=False, single_word=False)
    write_json(folder / "vocab.json", vocabulary)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    write_json(
        folder / "special_tokens_map.json",
        dict(bos_token=special(START), eos_token=special(END), pad_token=pad, unk_token=special(END)),
    )
    write_json(
        folder / "tokenizer_config.json",
        dict(
            add_prefix_space=False, bos_token={"__type": "AddedToken"} | special(START), do_lower_case=True,
            eos_token={"__type": "AddedToken"} | special(END), errors="replace", model_max_length=77, pad_token=pad,
            tokenizer_class="CLIPTokenizer", unk_token={"__type": "AddedToken"} | special(END),
        ),
    )


def write_tokenizer(folder, pad):
    """A vocabulary of bytes, bytes at the end of a word, and what builds WORDS; ids in CLIP's order."""
    symbols = byte_symbols()
    merges = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            if (parts[0], parts[1]) not in merges:
                merges.append((parts[0], parts[1]))
            parts[:2] = [parts[0] + parts[1]]
    tokens = [*symbols, *(s + "</w>" for s in symbols), *(a + b for a, b in merges), START, END]
    assert len(tokens) == len(set(tokens))
    vocabulary = {token: index for index, token in enumerate(tokens)}
    write_tokenizer_files(folder, vocabulary, merges, pad)
    return CLIPTokenizer(vocab=vocabulary, merges=merges, pad_token=pad, model_max_length=77)


def prepared(state, precision):
    return {name: tensor.to(precision).contiguous() for name, tensor in state.items()}


def save_sharded(state, folder, stem, shards):
    names = sorted(state)
    size = -(-len(names) // shards)
    weight_map, total = {}, 0
    for shard in range(shards):
        part = {name: state[name] for name in names[shard * size : (shard + 1) * size]}
        file = f"{stem}-{shard + 1:05}-of-{shards:05}.safetensors"
        save_file(part, folder / file, metadata={"format": "pt"})
        weight_map |= {name: file for name in part}
        total += sum(tensor.numel() * tensor.element_size() for tensor in part.values())
    write_json(folder / f"{stem}.safetensors.index.json", dict(metadata=dict(total_size=total), weight_map=weight_map))


def old_attention_names(state):
    """The VAE's attention as files of 2022 name it; in the encoder with 1x1 convolutions."""
    names = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    renamed = {}
    for name, tensor in state.items():
        for new, old in names.items():
            if new in name:
                name = name.replace(new, old)
                if name.startswith("encoder.") and name.endswith("weight"):
                    tensor = tensor[:, :, None, None]
        renamed[name] = tensor
    return renamed


def kept_rows(n):
    return list(range(n)) if n <= 8 else list(range(1, n, 2)) if n <= 32 else list(range(5, n, 17))


def golden(title, generation, unet_config, vae_config, text_config, pad, seed):
    root = DATA / title
    shutil.rmtree(root, ignore_errors=True)
    folder = root / "model"
    old = generation == 1
    write_json(
        folder / "model_index.json",
        dict(
            _class_name="StableDiffusionPipeline", _diffusers_version="0.2.2" if old else "0.10.0.dev0",
            scheduler=["diffusers", "PNDMScheduler"], text_encoder=["transformers", "CLIPTextModel"],
            tokenizer=["transformers", "CLIPTokenizer"], unet=["diffusers", "UNet2DConditionModel"],
            vae=["diffusers", "AutoencoderKL"],
        ),
    )
    write_json(folder / "scheduler/scheduler_config.json", SCHEDULER)
    write_json(folder / "unet/config.json", dict(_class_name="UNet2DConditionModel") | unet_config)
    write_json(folder / "vae/config.json", dict(_class_name="AutoencoderKL") | vae_config)
    tokenizer = write_tokenizer(folder / "tokenizer", pad)
    text_config = text_config | dict(vocab_size=len(tokenizer.get_vocab()))
    write_json(folder / "text_encoder/config.json", dict(architectures=["CLIPTextModel"]) | text_config)

    text_precision = torch.float16 if old else torch.bfloat16
    unet = seed_weights(UNet2DConditionModel.from_config(unet_config), seed)
    vae = seed_weights(AutoencoderKL.from_config(vae_config), seed + 1)
    text = seed_weights(CLIPTextModel(CLIPTextConfig(**text_config)), seed + 2, text_precision)

    stem = "diffusion_pytorch_model"
    suffix = ".fp16.safetensors" if old else ".safetensors"
    unet_state, vae_state = (prepared(model.state_dict(), torch.float16) for model in (unet, vae))
    text_state = {f"text_model.{name}": tensor for name, tensor in prepared(text.state_dict(), text_precision).items()}
    if old:
        vae_state = old_attention_names(vae_state)
        text_state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        save_file(text_state, folder / f"text_encoder/model{suffix}", metadata={"format": "pt"})
    else:
        save_sharded(text_state, folder / "text_encoder", "model", 3)
    save_file(unet_state, folder / f"unet/{stem}{suffix}", metadata={"format": "pt"})
    save_file(vae_state, folder / f"vae/{stem}{suffix}", metadata={"format": "pt"})

    random = np.random.default_rng(seed)
    tokens = {
        name: tokenizer(prompt, padding="max_length", max_length=77, truncation=True).input_ids
        for name, prompt in (("empty", ""), ("prompt", PROMPT))
    }
    image = random.integers(0, 256, (64, 32, 3), dtype=np.uint8)
    latent = random.standard_normal((1, 16, 8, 4), dtype=np.float32)
    arrays = {"image": image, "latent": latent}
    for name, identifiers in tokens.items():
        arrays[f"tokens.{name}"] = np.array(identifiers, dtype=np.int32)

    def compute(precision):
        """All outputs in one precision; float64 says how well float32 can do."""
        results = {}
        for model in (unet, vae, text):
            model.to(precision)
        for name, identifiers in tokens.items():
            results[f"context.{name}"] = record_text(text, identifiers)
        pixels = torch.from_numpy(image).to(precision).permute(2, 0, 1)[None] * 2 / 255 - 1
        results |= {f"vae.{k}": v for k, v in record_vae(vae, pixels, 0.18215).items()}
        for timestep, prompt in ((50, "empty"), (261, "prompt")):
            context = torch.from_numpy(results[f"context.{prompt}"]).to(precision)
            input = torch.from_numpy(latent).to(precision).permute(0, 3, 1, 2)
            recorded = record_unet(unet, input, timestep, context, kept_rows)
            left_out = () if timestep == 50 else (".query", ".key")
            results |= {f"t{timestep}.{k}": v for k, v in recorded.items() if not k.endswith(left_out)}
        return results

    exact, results = compute(torch.float64), compute(torch.float32)
    worst = max((relative_error(results[name], exact[name]), name) for name in results)
    uniform = {
        layer: float(np.abs(results[f"t50.{layer}.rows"] * results[f"t50.{layer}.rows"].shape[1] - 1).max())
        for layer in sorted({n[4:-5] for n in results if n.startswith("t50.") and n.endswith(".rows")})
    }
    print(f"{title}: float32 against float64 at most {worst[0]:.1e} ({worst[1]})")
    print("  largest deviation of an affinity from uniform, by layer:", *(f"{v:.1f}" for v in uniform.values()))
    print("  largest values:", *(f"{n} {np.abs(results[n]).max():.0e}" for n in results if "block" in n and "attn" not in n))
    arrays |= results
    for n in sorted({results[name].shape[1] for name in results if name.endswith(".rows")}):
        arrays[f"affinity.rows.{n}"] = np.array(kept_rows(n), dtype=np.int32)
    save_file({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in arrays.items()}, root / "golden.safetensors")
    write_json(root / "golden.json", dict(prompt=PROMPT, seed=seed, versions=VERSIONS))
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    print(f"  {size} bytes, of which golden {(root / 'golden.safetensors').stat().st_size}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    diffusers.logging.set_verbosity_error()
    golden("sd1-tiny", 1, UNET1, VAE1, TEXT1, END, seed=1)
    golden("sd2-tiny", 2, UNET2, VAE2, TEXT2, "!", seed=2)
