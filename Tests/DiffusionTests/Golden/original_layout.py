"""Writes folders of diffusers as one file in the original layout (CompVis, Stability AI), and lists which names became which.

    pip install 'torch==2.13.0+cpu' diffusers==0.42.1 transformers==5.23.0 safetensors==0.8.0
    python original_layout.py                    # writes data/original/names.tsv for sd1-tiny and sd2-tiny
    python original_layout.py FOLDER FILE        # writes FOLDER (a diffusers model) as FILE, .safetensors or .ckpt

Each line of the list is `unet`, `vae`, `text_encoder-1` or `text_encoder-2`, the diffusers name, the original name, and where several
tensors become one, which part it is (`0/3`). The files are read again by diffusers' own loader (`from_single_file` with the folder as
its configuration, without a network; its conversion of text encoders), and every tensor must come back in every bit.
"""

import json
import pathlib
import re
import sys
import tempfile

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_clip_checkpoint, convert_open_clip_checkpoint
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

DATA = pathlib.Path(__file__).parent / "data"
RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
          "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}
TOP = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2", "conv_in": "input_blocks.0.0",
       "conv_norm_out": "out.0", "conv_out": "out.2"}
CLIP = {"self_attn.out_proj": "attn.out_proj", "layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj"}


def unet_name(name, config):
    """The original name of a U-Net's tensor."""
    layers = config.get("layers_per_block", 2)
    module, _, kind = name.rpartition(".")
    if module in TOP:
        return f"model.diffusion_model.{TOP[module]}.{kind}"
    part, rest = name.split(".", 1)
    if part == "mid_block":
        group, index, tail = rest.split(".", 2)
        place = {("resnets", "0"): 0, ("attentions", "0"): 1, ("resnets", "1"): 2}[group, index]
        start = f"middle_block.{place}"
    else:
        level, group, index, tail = rest.split(".", 3)
        level, index = int(level), int(index)
        if part == "down_blocks":
            block = 1 + level * (layers + 1) + (layers if group == "downsamplers" else index)
            start = f"input_blocks.{block}.{1 if group == 'attentions' else 0}"
        else:
            crossing = config["up_block_types"][level] == "CrossAttnUpBlock2D"
            block = level * (layers + 1) + (layers if group == "upsamplers" else index)
            start = f"output_blocks.{block}." + {"resnets": "0", "attentions": "1", "upsamplers": "2" if crossing else "1"}[group]
    if group == "resnets":
        layer, kind = tail.rsplit(".", 1)
        tail = f"{RESNET[layer]}.{kind}"
    if group == "downsamplers":
        tail = tail.replace("conv.", "op.")
    return f"model.diffusion_model.{start}.{tail}"


def vae_name(name, config):
    """The original name of an autoencoder's tensor; the decoder's levels are counted from the coarsest in diffusers."""
    levels = len(config["block_out_channels"])
    name = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    name = name.replace("mid_block.attentions.0", "mid.attn_1")
    for new, old, original in (("to_q", "query", "q"), ("to_k", "key", "k"), ("to_v", "value", "v"), ("to_out.0", "proj_attn", "proj_out")):
        name = name.replace(f"attn_1.{new}.", f"attn_1.{original}.").replace(f"attn_1.{old}.", f"attn_1.{original}.")
    name = name.replace("attn_1.group_norm", "attn_1.norm")
    name = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets", lambda m: f"up.{levels - 1 - int(m[1])}.block", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", name)
    return f"first_stage_model.{name}"


def text_name(name, generation):
    """The original name of a text encoder's tensor, and which part of it, if several become one."""
    if generation == 1:
        return f"cond_stage_model.transformer.{name}", ""
    name = name.removeprefix("text_model.")
    root = "cond_stage_model.model."
    if name == "embeddings.token_embedding.weight":
        return root + "token_embedding.weight", ""
    if name == "embeddings.position_embedding.weight":
        return root + "positional_embedding", ""
    if name.startswith("final_layer_norm"):
        return root + name.replace("final_layer_norm", "ln_final"), ""
    _, _, layer, tail = name.split(".", 3)
    module, kind = tail.rsplit(".", 1)
    root += f"transformer.resblocks.{layer}."
    if module.removeprefix("self_attn.") in ("q_proj", "k_proj", "v_proj"):
        return f"{root}attn.in_proj_{kind}", f"{['q_proj', 'k_proj', 'v_proj'].index(module[10:])}/3"
    return f"{root}{CLIP[module]}.{kind}", ""


def load(folder):
    """All tensors of a part of a folder, from one file or from shards."""
    return {k: t for path in sorted(folder.glob("*.safetensors")) for k, t in load_file(path).items()}


def mapped(folder):
    """[part, diffusers name, original name, part of it, tensor] of a model, and the generation."""
    config = {part: json.loads((folder / part / "config.json").read_text()) for part in ("unet", "vae", "text_encoder")}
    generation = 2 if config["unet"].get("use_linear_projection") else 1
    rows = [["unet", n, unet_name(n, config["unet"]), "", t] for n, t in load(folder / "unet").items()]
    for n, t in load(folder / "vae").items():
        original = vae_name(n, config["vae"])
        convolves = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", original) and t.ndim == 2
        rows.append(["vae", n, original, "", t[:, :, None, None] if convolves else t])
    for n, t in load(folder / "text_encoder").items():
        rows.append(["text_encoder", n, *text_name(n, generation), t])
    return rows, generation


def joined(rows, generation):
    """The dictionary of a single file: names, tensors, and what else such files hold."""
    state, parts = {}, {}
    for _, _, original, part, tensor in rows:
        if part:
            parts.setdefault(original, {})[part] = tensor
        else:
            assert original not in state, original
            state[original] = tensor.contiguous()
    for original, tensors in parts.items():
        state[original] = torch.cat([tensors[f"{index}/3"] for index in range(3)])
    state["betas"] = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    state["alphas_cumprod"] = torch.cumprod(1 - state["betas"], 0)
    state["model_ema.decay"] = torch.tensor(0.9999)
    state["model_ema.diffusion_modelinput_blocks00weight"] = torch.zeros(2, 2)
    if generation == 2:
        # The last layer, which Stable Diffusion 2 does not use, and what belongs to CLIP's comparison with images.
        count = 1 + max(int(re.search(r"resblocks\.(\d+)", n)[1]) for n in state if "resblocks" in n)
        for n in [n for n in state if f"resblocks.{count - 1}." in n]:
            state[n.replace(f"resblocks.{count - 1}.", f"resblocks.{count}.")] = torch.zeros_like(state[n])
        width = state["cond_stage_model.model.positional_embedding"].shape[1]
        state["cond_stage_model.model.text_projection"] = torch.zeros(width, width)
        state["cond_stage_model.model.logit_scale"] = torch.tensor(4.6)
        state["cond_stage_model.model.attn_mask"] = torch.zeros(77, 77)
    return state


def write(folder, path):
    rows, generation = mapped(folder)
    state = joined(rows, generation)
    if path.suffix == ".ckpt":
        torch.save({"epoch": 3, "global_step": 470000, "pytorch-lightning_version": "1.4.2", "state_dict": state}, path)
    else:
        save_file(state, path)
    return rows, generation


def check(folder, path, rows, generation):
    """Compares what diffusers reads from the file with the folder's tensors."""
    for part, kind in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
        model = kind.from_single_file(str(path), config=str(folder), subfolder=part, local_files_only=True)
        # Older files have older names in the autoencoder's attention.
        new = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
        expected = {re.sub(r"\.(query|key|value|proj_attn)\.", lambda m: f".{new[m[1]]}.", n): t for p, n, _, _, t in rows if p == part}
        assert sorted(expected) == sorted(model.state_dict())
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, expected[name].float().reshape(tensor.shape)), (part, name)
        print(f"{folder.parent.name}: diffusers reads the {part} of the file as that of the folder, {len(model.state_dict())} tensors")
    state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)["state_dict"]
    if generation == 1:
        read = convert_ldm_clip_checkpoint(dict(state))
    else:
        config = json.loads((folder / "text_encoder/config.json").read_text())
        read = convert_open_clip_checkpoint(CLIPTextModel(CLIPTextConfig(**config)), dict(state), prefix="cond_stage_model.model.")
    strip = lambda name: name.removeprefix("text_model.")
    read = {strip(name): tensor for name, tensor in read.items()}
    compared = 0
    for part, name, _, _, tensor in rows:
        if part == "text_encoder" and "position_ids" not in name:
            assert torch.equal(read[strip(name)].to(tensor.dtype), tensor), name
            compared += 1
    print(f"  and its text encoder, {compared} tensors")


def main():
    if len(sys.argv) == 3:
        write(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
        return
    (DATA / "original").mkdir(exist_ok=True)
    lines = set()
    for generation in (1, 2):
        folder = DATA / f"sd{generation}-tiny/model"
        with tempfile.TemporaryDirectory() as temporary:
            for ending in ("safetensors", "ckpt"):
                path = pathlib.Path(temporary) / f"original.{ending}"
                rows, found = write(folder, path)
                assert found == generation
                check(folder, path, rows, generation)
        for part, *names, _ in rows:
            lines.add("\t".join([f"{part}-{generation}" if part == "text_encoder" else part, *names]).rstrip("\t"))
    (DATA / "original/names.tsv").write_text("\n".join(sorted(lines)) + "\n")


if __name__ == "__main__":
    main()
