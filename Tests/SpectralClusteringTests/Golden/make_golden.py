"""Makes the golden files of SpectralClusteringTests with SciPy and PyTorch in double precision, rounded to float32.

    python make_golden.py

Inputs are not stored: `noise` below and in Noise.swift give the same values. The versions are recorded in data/versions.txt.
"""

import pathlib

import numpy as np
import scipy
import scipy.sparse.linalg
import torch
from torch.nn import functional

folder = pathlib.Path(__file__).parent / "data"
folder.mkdir(exist_ok=True)
(folder / "versions.txt").write_text(f"numpy {np.__version__}, scipy {scipy.__version__}, torch {torch.__version__}\n")


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def noise(seed, *shape, scale=1.0):
    """Values in [−scale, scale), multiples of scale · 2⁻²³."""
    z = splitmix(seed, int(np.prod(shape)))
    values = ((z >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)) * np.float32(scale)
    return values.reshape(shape).astype(np.float64)


def save(name, values):
    (folder / f"{name}.f32").write_bytes(np.ascontiguousarray(values).astype("<f4").tobytes())


def attention(side, seed, spread):
    """P, as in Affinities.swift."""
    n = side * side
    places = np.arange(n)
    features = np.concatenate(
        [np.stack([places // side, places % side], 1) / side, 0.25 * noise(seed, n, 3)], 1)
    p = np.exp(-((features[:, None] - features[None]) ** 2).sum(-1) / spread)
    return p / p.sum(1, keepdims=True)


def stored(p):
    """What the triangle holds: n · (P + Pᵀ) / 2 in float32."""
    return (len(p) * (p + p.T) / 2).astype(np.float32).astype(np.float64)


def save_eigenvectors(name, matrix, count, rescale=None):
    values, vectors = scipy.sparse.linalg.eigsh(matrix, count + 1, which="LA", tol=1e-13, ncv=4 * count)
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    print(name, "eigenvalues", values, "gap", values[-2] - values[-1])
    if rescale is not None:
        vectors = vectors * rescale[:, None]
        vectors /= np.linalg.norm(vectors, axis=0)
    save(f"{name}_values", values[:count])
    save(f"{name}_vectors", vectors[:, :count].T)


# The closed form on a pyramid of three resolutions.
terms = [(24, 1, 0.02, 2, 1.0), (24, 2, 0.05, 3, 0.5), (12, 3, 0.03, 5, 1.0), (6, 4, 0.1, 1, 2.0)]
for pooling in ("average", "lengthPreserving"):
    m, total = np.zeros((576, 576)), 0
    for side, seed, spread, layers, weight in terms:
        factor = 24 // side
        u = np.zeros((side * side, 576))
        y, x = np.divmod(np.arange(576), 24)
        u[y // factor * side + x // factor, np.arange(576)] = 1 / factor**2 if pooling == "average" else 1 / factor
        m += weight * layers * u.T @ (stored(attention(side, seed, spread)) / side**2) @ u
        total += weight * layers
    save_eigenvectors(f"pyramid_{pooling}", m / total, 20)

# Gaussian affinities of tokens of two layers.
fine, coarse = noise(5, 576, 4), noise(6, 144, 3)
y, x = np.divmod(np.arange(576), 24)
fine[:, 0] += 3 * (y < 10)
fine[:, 1] += 3 * (x < 7)
fine[:, 2] += np.sin(x / 4)
upsampled = functional.interpolate(
    torch.from_numpy(coarse.T.reshape(1, 3, 12, 12)), size=(24, 24), mode="bilinear", align_corners=False)
features = []
for values, own in ((fine, fine), (upsampled.numpy().reshape(3, 576).T, coarse)):
    features.append((values - own.mean(0)) / np.sqrt(((own - own.mean(0)) ** 2).sum(1).mean()))
features[1] *= np.sqrt(0.5)
features = np.concatenate(features, 1)
numbers = [int(z) for z in splitmix(9, 2 * 16384)]
first = np.array([z * 576 >> 64 for z in numbers[0::2]])
second = np.array([z * 575 >> 64 for z in numbers[1::2]])
second += second >= first
sigma = 0.5 * np.median(np.linalg.norm(features[first] - features[second], axis=1))
w = np.exp(-((features[:, None] - features[None]) ** 2).sum(-1) / (2 * sigma**2))
save("tokens_affinity_row", w[17])
scale = 1 / np.sqrt(w.sum(1))
save_eigenvectors("tokens_walk", scale[:, None] * w * scale, 8, rescale=scale)
save_eigenvectors("tokens_plain", w, 8)

# The loss of the reference loop and its derivatives: two heads on 8 × 8, one on 4 × 4.
channels, maps, side = 16, 5, 8
shapes = {
    "input": (1, side, side, channels),
    "weight0": (channels, channels, 3, 3), "weight1": (channels, channels, 3, 3), "weight2": (maps, channels, 3, 3),
    "bias0": (channels,), "bias1": (channels,), "bias2": (maps,),
    "scale0": (channels,), "scale1": (channels,), "shift0": (channels,), "shift1": (channels,),
}
parameters = {}
for index, (name, shape) in enumerate(shapes.items()):
    values = noise(20 + index, *shape, scale=0.5)
    if name.startswith("scale"):
        values = values + 1
    parameters[name] = torch.from_numpy(values).requires_grad_()
graphs = [(8, attention(8, 31, 0.05)), (8, attention(8, 32, 0.2)), (4, attention(4, 33, 0.1))]

x = parameters["input"].permute(0, 3, 1, 2)
for layer in range(3):
    x = functional.conv2d(x, parameters[f"weight{layer}"], parameters[f"bias{layer}"], padding=1)
    if layer < 2:
        x = functional.relu(
            functional.batch_norm(x, None, None, parameters[f"scale{layer}"], parameters[f"shift{layer}"], training=True))
x = functional.softmax(x, dim=1)
loss = 0
for grid, p in graphs:
    z = functional.normalize(functional.adaptive_avg_pool2d(x, grid).reshape(maps, -1), dim=1)
    e = torch.einsum("ci,ij,cj->c", z, torch.from_numpy(stored(p) / len(p)), z)
    gram = z @ z.T
    off = gram[~torch.eye(maps, dtype=torch.bool)]
    loss = loss + (2 * (e - 1).abs().mean() + 2 * (off**2).mean()) / len(graphs)
loss.backward()
save("reference_loss", np.array([loss.item()]))
save("reference_maps", x.detach().numpy().reshape(maps, -1))
for name, parameter in parameters.items():
    save(f"reference_{name}", parameter.grad.numpy())

# Three updates of Adam on the same loss's gradients times 20, of one array.
values = torch.from_numpy(noise(40, 64)).requires_grad_()
optimizer = torch.optim.Adam([values], lr=0.002)
for step in range(3):
    values.grad = torch.from_numpy(20 * noise(41 + step, 64))
    optimizer.step()
save("adam", values.detach().numpy())
