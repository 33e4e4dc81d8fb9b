"""Makes the files in data/ that CheckpointsTests reads: written by the reference implementation of safetensors.

    pip install safetensors==0.8.0 'torch==2.13.0+cpu'
    python make_golden.py            # writes data/

Element k of every float tensor is ((37 k) mod 101 - 50) / 8, exact in all float types; of an integer tensor (37 k) mod 101; of
a truth value k mod 3 = 0.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file

DATA = pathlib.Path(__file__).parent / "data"


def tensor(shape, kind):
    k = torch.arange(int(torch.tensor(shape).prod()) if shape else 1)
    if kind == torch.bool:
        values = k % 3 == 0
    else:
        values = (37 * k) % 101
        if kind.is_floating_point:
            values = (values.double() - 50) / 8
    return values.reshape(shape).to(kind)


def main():
    DATA.mkdir(exist_ok=True)
    everything = {
        "scalar": tensor([], torch.float32),
        "none": tensor([3, 0, 2], torch.float32),
        "matrix": tensor([5, 7], torch.float32),
        "half": tensor([3, 3, 3], torch.float16),
        "brain": tensor([4, 9], torch.bfloat16),
        "double": tensor([2, 2], torch.float64),
        "i64": tensor([1, 77], torch.int64),
        "i32": tensor([6], torch.int32),
        "i16": tensor([6], torch.int16),
        "i8": tensor([6], torch.int8),
        "u8": tensor([7], torch.uint8),
        "truth": tensor([5], torch.bool),
        'Å "quoted"\\\n': tensor([2], torch.float16),
    }
    save_file(everything, DATA / "everything.safetensors", metadata={"format": "pt"})
    shards = {
        "model-00001-of-00002.safetensors": {"a.weight": tensor([2, 3], torch.float16), "b.weight": tensor([4], torch.float32)},
        "model-00002-of-00002.safetensors": {"c.weight": tensor([3, 2], torch.bfloat16)},
    }
    for name, tensors in shards.items():
        save_file(tensors, DATA / name, metadata={"format": "pt"})
    index = {
        "metadata": {"total_size": 40, "note": [1.5e3, None, {"deep": [True]}]},
        "weight_map": {tensor: name for name, tensors in shards.items() for tensor in tensors},
    }
    (DATA / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
