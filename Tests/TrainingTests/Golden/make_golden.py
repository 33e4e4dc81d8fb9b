"""Makes the golden files of TrainingTests with PyTorch 2.13 in double precision, rounded to float32.

    python make_golden.py

Inputs are not stored: `noise` below and in TestSupport give the same values.
"""

import pathlib

import numpy as np
import torch
from torch import nn
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


def save(name, *tensors):
    parts = [t.detach().to(torch.float32).contiguous().numpy().astype("<f4").ravel() for t in tensors]
    (folder / f"{name}.f32").write_bytes(np.concatenate(parts).tobytes())


def first(x):
    return x.movedim(-1, 1)


def last(x):
    return x.movedim(1, -1)


def layer(name, x_shape, function, *parameters):
    """Saves the result, and derivatives by x and the parameters for a noise that comes back."""
    x = noise(1, *x_shape).requires_grad_()
    parameters = [p.requires_grad_() for p in parameters]
    y = last(function(first(x), *parameters))
    y.backward(noise(9, *y.shape))
    save(name, y, x.grad, *[p.grad for p in parameters])


def convolution(name, n, extent, i, o, kernel, stride, padding):
    layer(f"convolution_{name}", (n, *extent, i), lambda x, w, b: functional.conv3d(x, w, b, stride, padding),
          noise(2, o, i, *kernel), noise(3, o))


convolution("volume", 2, (5, 9, 7), 16, 32, (3, 3, 3), 1, 1)
convolution("ragged", 1, (9, 6, 11), 27, 24, (3, 3, 3), 1, 1)
convolution("deep", 1, (3, 6, 5), 70, 40, (3, 3, 3), 1, 1)
convolution("image", 3, (1, 13, 21), 40, 48, (1, 3, 3), 1, (0, 1, 1))
convolution("first", 2, (4, 5, 6), 1, 20, (3, 3, 3), 1, 1)
convolution("strided", 2, (5, 6, 9), 7, 9, (3, 3, 3), 2, 1)
convolution("odd", 1, (5, 6, 9), 6, 8, (3, 1, 5), (1, 2, 1), (1, 0, 2))
convolution("point", 2, (3, 4, 5), 20, 3, (1, 1, 1), 1, 0)


def transposed(name, n, extent, i, o, kernel, stride, padding, extra):
    layer(f"transposed_{name}", (n, *extent, i),
          lambda x, w, b: functional.conv_transpose3d(x, w, b, stride, padding, extra), noise(2, i, o, *kernel), noise(3, o))


transposed("double", 2, (2, 3, 4), 10, 6, (2, 2, 2), 2, 0, 0)
transposed("image", 2, (1, 3, 4), 10, 6, (1, 2, 2), (1, 2, 2), 0, 0)
transposed("overlapping", 1, (3, 4, 5), 12, 8, (3, 3, 3), 2, 1, 1)

for rectified in [False, True]:
    after = functional.relu if rectified else (lambda x: x)
    suffix = "_relu" if rectified else ""
    shape = (3, 2, 5, 7, 12)
    layer(f"batch_norm{suffix}", shape, lambda x, w, b: after(functional.batch_norm(x, None, None, w, b, True)),
          noise(2, 12), noise(3, 12))
    layer(f"instance_norm{suffix}", shape, lambda x, w, b: after(functional.instance_norm(x, None, None, w, b)),
          noise(2, 12), noise(3, 12))
    layer(f"group_norm{suffix}", shape, lambda x, w, b: after(functional.group_norm(x, 4, w, b)), noise(2, 12), noise(3, 12))

layer("max_pool", (2, 5, 6, 7, 3), lambda x: functional.max_pool3d(x, 2))
layer("max_pool_image", (2, 1, 6, 8, 3), lambda x: functional.max_pool3d(x, (1, 2, 2)))
layer("mean_pool", (2, 5, 6, 7, 3), lambda x: functional.avg_pool3d(x, 2))
layer("resize", (2, 3, 4, 5, 3), lambda x: functional.interpolate(x, (6, 8, 10), mode="trilinear"))
layer("resize_odd", (1, 5, 4, 7, 2), lambda x: functional.interpolate(x, (3, 9, 7), mode="trilinear"))
layer("elu", (2, 3, 4, 5, 6), lambda x: functional.elu(3 * x / 3))


def labels(seed, classes, *shape):
    """Classes in turns of the noise; a part of the last turn is ignored."""
    turns = ((noise(seed, *shape) + 1) / 2 * (classes + 1)).long()
    return torch.where(turns == classes, 255, turns)


def loss_of(logits, target, exclusive, dice_weight, entropy_weight, smooth=1.0, positive_weight=1.0, completeness=1.0):
    """Logits channels last; label 255 is ignored.

    With a completeness below 1 the cross-entropy is the positive-unlabelled risk of Kiryo et al. (2017), whose prior is the share of
    labelled voxels of the batch, divided by the completeness, and whose unlabelled ones are all voxels.
    """
    outputs = logits.shape[-1]
    valid = target != 255
    z, t = logits[valid], target[valid]
    if exclusive:
        p, truth = z.softmax(-1), functional.one_hot(t, outputs).double()
        entropy = functional.cross_entropy(z, t)
    else:
        p, truth = z.sigmoid(), functional.one_hot(t, outputs + 1)[:, 1:].double()
        entropy = functional.binary_cross_entropy_with_logits(z, truth, pos_weight=torch.tensor(positive_weight))
        if completeness < 1:
            entropy = 0
            for output in range(outputs):
                positive = truth[:, output] == 1
                prior = positive.double().mean() / completeness
                known = functional.softplus(-z[positive, output]).mean()
                denied = functional.softplus(z[positive, output]).mean()
                unlabelled = functional.softplus(z[:, output]).mean()
                entropy = entropy + prior * known + torch.clamp(unlabelled - prior * denied, min=0)
            entropy = entropy / outputs
    dice = (2 * (p * truth).sum(0) + smooth) / (p.sum(0) + truth.sum(0) + smooth)
    if exclusive and outputs > 1:
        dice = dice[1:]
    return dice_weight * (1 - dice.mean()) + entropy_weight * entropy


for name, outputs, exclusive, weights, *others in [
    ("softmax_dice", 3, True, (1, 0)), ("softmax_entropy", 3, True, (0, 1)), ("softmax_both", 2, True, (1, 1)),
    ("sigmoid_dice", 1, False, (1, 0)), ("sigmoid_entropy", 2, False, (0, 1)), ("sigmoid_both", 2, False, (0.5, 2)),
    ("sigmoid_weighted", 2, False, (0, 1), {"positive_weight": 3.0}), ("sigmoid_incomplete", 2, False, (1, 1), {"completeness": 0.6}),
    ("sigmoid_few", 2, False, (0, 1), {"completeness": 0.1}),
]:
    logits = noise(1, 2, 3, 4, 5, outputs, scale=4).requires_grad_()
    target = labels(2, outputs if exclusive else outputs + 1, 2, 3, 4, 5)
    value = loss_of(logits, target, exclusive, *weights, **(others[0] if others else {}))
    value.backward()
    save(f"loss_{name}", value.reshape(1), logits.grad)


class Unit(nn.Module):
    """Convolution, normalisation, ReLU, under the names of a checkpoint."""

    def __init__(self, i, o, kernel, kind):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(o, i, *kernel, dtype=torch.float64))
        self.norm = {"batch": nn.BatchNorm3d, "instance": lambda c: nn.InstanceNorm3d(c, affine=True),
                     "group": lambda c: nn.GroupNorm(2, c)}[kind](o).double()
        self.padding = [k // 2 for k in kernel]

    def forward(self, x):
        return functional.relu(self.norm(functional.conv3d(x, self.weight, padding=self.padding)))


class UNet(nn.Module):
    def __init__(self, dimensions, classes, width, levels, kind, upsampling):
        super().__init__()
        kernel = (3, 3, 3) if dimensions == 3 else (1, 3, 3)
        self.window = (2, 2, 2) if dimensions == 3 else (1, 2, 2)
        self.upsampling, self.levels = upsampling, levels
        c = [width << level for level in range(levels)]

        def block(i, o):
            return nn.Sequential(Unit(i, o, kernel, kind), Unit(o, o, kernel, kind))

        self.encoder = nn.ModuleList([block(1 if level == 0 else c[level - 1], c[level]) for level in range(levels)])
        self.decoder = nn.ModuleList([block(2 * c[level], c[level]) for level in range(levels - 1)])
        window = self.window if upsampling == "transposed" else (1, 1, 1)
        self.up = nn.ModuleList(
            [nn.ConvTranspose3d(c[level + 1], c[level], window, window).double() for level in range(levels - 1)])
        self.head = nn.Conv3d(width, classes, 1).double()

    def forward(self, x):
        skipped = []
        for level, block in enumerate(self.encoder):
            if level > 0:
                skipped.append(x)
                x = functional.max_pool3d(x, self.window)
            x = block(x)
        for level in reversed(range(self.levels - 1)):
            x = self.up[level](x)
            if self.upsampling == "linear":
                x = functional.interpolate(x, skipped[level].shape[2:], mode="trilinear")
            x = self.decoder[level](torch.cat([skipped[level], x], 1))
        return self.head(x)


class Picker(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        c = [width, width * 2, width * 3, width * 9 // 2]

        def block(i, o):
            return nn.ModuleList([Unit(n, o, (3, 3, 3), "batch") for n in (i + 3, o, o)])

        self.encoder = nn.ModuleList([block(1 if level == 0 else c[level - 1] + 1, c[level]) for level in range(4)])
        self.decoder = nn.ModuleList([block(c[level], c[level]) for level in range(3)])
        self.up = nn.ModuleList(
            [nn.ConvTranspose3d(c[level + 1], c[level], 3, 2, 1, 1).double() for level in range(3)])
        self.head = nn.Conv3d(c[0], classes, 1).double()

    def residual(self, block, x):
        n, _, d, h, w = x.shape
        axes = [torch.linspace(-1, 1, length, dtype=torch.float64) for length in (d, h, w)]
        z, y, xs = torch.meshgrid(*axes, indexing="ij")
        coordinates = torch.stack([xs, y, z])[None].expand(n, -1, -1, -1, -1)
        begin = block[0](torch.cat([x, coordinates], 1))
        return functional.elu(block[2](block[1](begin)) + begin)

    def forward(self, x):
        image, skipped = x, []
        for level, block in enumerate(self.encoder):
            if level > 0:
                skipped.append(x)
                image = functional.avg_pool3d(image, 2)
                x = torch.cat([functional.avg_pool3d(x, 2), image], 1)
            x = self.residual(block, x)
        for level in reversed(range(3)):
            x = self.residual(self.decoder[level], self.up[level](x) + skipped[level])
        return self.head(x)


def train(name, network, shape, classes, exclusive, decay):
    for number, (_, p) in enumerate(sorted(network.named_parameters())):
        if p.dim() > 1:
            inner = p[0].numel()
            p.data = noise(100 + number, *p.shape) * (3 / inner) ** 0.5
        elif _.endswith("norm.weight"):
            p.data = 1 + noise(100 + number, *p.shape) / 5
        else:
            p.data = noise(100 + number, *p.shape) / 5
    network.double().train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=decay)
    losses = []
    for step in range(10):
        x = noise(1000 + step, *shape, 1)
        target = labels(2000 + step, classes, *shape)
        optimizer.zero_grad()
        loss = loss_of(last(network(first(x))), target, exclusive, 1, 1)
        loss.backward()
        losses.append(loss.detach())
        optimizer.step()
    network.eval()
    save(f"training_{name}", torch.stack(losses), last(network(first(noise(1, *shape, 1)))))


train("images", UNet(2, 3, 8, 3, "batch", "transposed"), (2, 1, 24, 16), 3, True, 0.01)
train("volumes", UNet(3, 2, 8, 3, "batch", "transposed"), (2, 8, 8, 12), 2, True, 0)
train("linear", UNet(3, 2, 8, 3, "instance", "linear"), (2, 8, 8, 12), 2, True, 0)
train("groups", UNet(2, 2, 8, 2, "group", "linear"), (2, 1, 16, 12), 2, True, 0)
train("picker", Picker(8, 1), (2, 16, 16, 16), 2, False, 0.01)
