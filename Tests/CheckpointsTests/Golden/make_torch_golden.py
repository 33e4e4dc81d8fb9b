"""Makes the files in data/torch/ that CheckpointsTests reads: written by torch.save, in both of its formats.

    pip install 'torch==2.13.0+cpu'
    python make_torch_golden.py      # writes data/torch/

The values are those of make_golden.py: element k of every float tensor is ((37 k) mod 101 - 50) / 8, of an integer tensor
(37 k) mod 101, of a truth value k mod 3 = 0; of views, in their own row-major order. storages' numbers in the older format are
addresses, so that those files differ from run to run in nothing but these.
"""

import collections
import pathlib
import sys
import types

import numpy
import torch
from make_golden import tensor

DATA = pathlib.Path(__file__).parent / "data/torch"
assert torch.__version__ == "2.13.0+cpu"


def view(shape, make):
    """A tensor with tensor()'s values, seen through what `make` does to a larger one."""
    seen = make()
    seen.copy_(tensor(shape, seen.dtype))
    assert not seen.is_contiguous() or seen.untyped_storage().nbytes() > seen.numel() * seen.itemsize
    return seen


def everything():
    state = collections.OrderedDict(
        scalar=tensor([], torch.float32),
        none=tensor([3, 0, 2], torch.float32),
        matrix=tensor([5, 7], torch.float32),
        half=tensor([3, 3, 3], torch.float16),
        brain=tensor([4, 9], torch.bfloat16),
        double=tensor([2, 2], torch.float64),
        i64=tensor([1, 77], torch.int64),
        i32=tensor([6], torch.int32),
        i16=tensor([6], torch.int16),
        i8=tensor([6], torch.int8),
        u8=tensor([7], torch.uint8),
        truth=tensor([5], torch.bool),
    )
    state['Å "quoted"'] = tensor([2], torch.float16)
    state["parameter"] = torch.nn.Parameter(tensor([3, 2], torch.float32))
    state["transposed"] = view([4, 3], lambda: torch.zeros(3, 4).t())
    state["permuted"] = view([3, 5, 2], lambda: torch.zeros(2, 3, 5, dtype=torch.float16).permute(1, 2, 0))
    state["channels last"] = view([2, 3, 4, 5], lambda: torch.zeros(2, 3, 4, 5).to(memory_format=torch.channels_last))
    state["every other"] = view([3, 2], lambda: torch.zeros(6, 5, dtype=torch.int64)[::2, 1::2])
    state["behind"] = view([4], lambda: torch.zeros(10, dtype=torch.float64)[6:])
    state["shared"] = state["matrix"]
    state["row"] = state["matrix"][0]
    state._metadata = collections.OrderedDict({"": {"version": 1}, "layer": {"version": 2, "note": [1.5, None, (True,)]}})
    return state


def lightning(state):
    """What PyTorch Lightning saves beside the tensors: a class as a key, objects of numpy and OmegaConf (stand-ins of their names)."""
    class ModelCheckpoint:
        pass

    class DictConfig:
        def __init__(self):
            self.content = {"lr": 1e-4, "layers": [1, 2]}

    for kind, module in ((ModelCheckpoint, "pytorch_lightning.callbacks.model_checkpoint"), (DictConfig, "omegaconf.dictconfig")):
        kind.__module__, kind.__qualname__ = module, kind.__name__
        parts = module.split(".")
        for count in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:count]), types.ModuleType(parts[count - 1]))
        setattr(sys.modules[module], kind.__name__, kind)
    everything = {
        "epoch": 3, "global_step": 1 << 40, "pytorch-lightning_version": "1.4.2", "state_dict": state,
        "callbacks": {ModelCheckpoint: {"monitor": None, "best_model_score": torch.tensor(0.5), "current": numpy.float64(0.25)}},
        "optimizer_states": [{"state": {0: {"step": 7, "exp_avg": torch.zeros(2)}}}], "lr_schedulers": [], "hyper_parameters": DictConfig(),
    }
    torch.save(everything, DATA / "lightning.ckpt")
    torch.save(everything, DATA / "lightning-protocol-4.ckpt", pickle_protocol=4)


def main():
    DATA.mkdir(exist_ok=True, parents=True)
    state = everything()
    older = dict(_use_new_zipfile_serialization=False)
    torch.save(state, DATA / "archive.pt")
    torch.save(state, DATA / "archive-protocol-4.pt", pickle_protocol=4)
    torch.save(state, DATA / "stream.pt", **older)
    torch.save(state, DATA / "stream-protocol-4.pt", pickle_protocol=4, **older)
    small = {"module.weight": tensor([2, 3], torch.float32), "module.bias": tensor([2], torch.float32)}
    torch.save({"epoch": 3, "loss": 0.25, "state_dict": small, "optimizer": {"state": {}, "groups": [{"lr": 1e-3}]}}, DATA / "nested.pt")
    torch.save({"weight": torch.zeros(1).expand(1 << 40)}, DATA / "expanded.pt")
    torch.save({"weight": torch.zeros(2, dtype=torch.complex64)}, DATA / "complex.pt")
    torch.save({"weight": torch.zeros(2, dtype=torch.complex64).conj().imag}, DATA / "negative.pt")
    torch.save(torch.nn.Linear(2, 2), DATA / "module.pt")
    torch.save([tensor([2], torch.float32)], DATA / "list.pt")
    lightning(small)
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), DATA / "script.pt")


if __name__ == "__main__":
    main()
