"""How small affinities can be stored: what fewer bits and a lower rank do to their eigenvectors.

    python affinity_rank.py CELLAR FOLDER [--slices 2]

CELLAR is the program. FOLDER is a catalog in which `features` of a diffusion model stand (`cellar recipe set catalog.budget=1000` keeps them). For
each affinity of the first slices' first tile, the 20 leading eigenvectors of what float16 stores are compared with those of

    8 bit, 6 bit    its square roots in whole numbers of so many bits
    rank R          Q Qᵀ A Q Qᵀ, Q an orthonormal basis of A² times R random vectors (N. Halko et al., SIAM Review 53 (2011))

Printed are the angles in radians between the 2nd, 4th, 8th and 12th vectors, the largest angle between the spaces of the first eight, and the bytes.
Needs numpy, scipy, h5py.
"""

import argparse
import json
import pathlib

import h5py
import numpy as np
from comparison import runner
from scipy.sparse.linalg import eigsh

FEATURES = """
    SELECT s.z_first AS z, lower(hex(a.digest)) AS digest FROM v_step AS s JOIN trace_output AS o ON o.trace_id = s.trace_id
    JOIN artifact AS a ON a.id = o.artifact_id WHERE s.step = 'features' ORDER BY s.z_first
"""
VECTORS = 20
SHOWN = (1, 3, 7, 11)


def leading(matrix):
    values, vectors = eigsh(matrix / len(matrix), k=VECTORS)
    return vectors[:, np.argsort(-values)]


def angles(reference, other):
    each = [np.arccos(min(1, abs(reference[:, k] @ other[:, k]))) for k in SHOWN]
    space = np.linalg.svd(reference[:, :8].T @ other[:, :8], compute_uv=False)
    return each, np.arccos(np.clip(space.min(), -1, 1))


def rounded(matrix, bits):
    roots = np.sqrt(np.abs(matrix))
    scale = (2 ** bits - 1) / roots.max()
    return (np.round(roots * scale) / scale) ** 2 * np.sign(matrix)


def of_rank(matrix, rank):
    """Eigenvectors of the matrix within a random range of this rank, which are what storing the range gives."""
    samples = np.random.default_rng(0).normal(size=(len(matrix), rank))
    basis = np.linalg.qr(matrix @ (matrix @ samples))[0]
    _, vectors = np.linalg.eigh(basis.T @ matrix @ basis)
    return basis @ vectors[:, ::-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cellar", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("folder", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--slices", type=int, default=2)
    options = parser.parse_args()
    rows = json.loads(runner(options.cellar, options.folder)("query", FEATURES, "--format", "json"))
    print("| slice | affinity | tokens | stored as | KB | " + " | ".join(f"vector {k + 1}" for k in SHOWN) + " | first eight |")
    print("|---|---|---|---|---|" + "---|" * (len(SHOWN) + 1))
    for row in rows[:options.slices]:
        path = next((options.folder / ".cellar/blobs").glob(f"**/{row['digest']}*"))
        with h5py.File(path) as file:
            for name in (name for name in file if name.startswith("affinity.")):
                dataset = file[name]
                tokens = int(dataset.attrs["height"]) * int(dataset.attrs["width"])
                matrix = np.zeros((tokens, tokens))
                matrix[np.triu_indices(tokens)] = dataset[0]
                matrix += np.triu(matrix, 1).T
                reference, half = leading(matrix), tokens * (tokens + 1) // 2
                stored = [(f"{bits} bit", half * bits / 8, leading(rounded(matrix, bits))) for bits in (8, 6)]
                stored += [
                    (f"rank {rank}", 2 * rank * tokens, of_rank(matrix, rank)) for rank in (32, 64, 128, 256) if rank < tokens]
                for what, size, vectors in stored:
                    each, space = angles(reference, vectors)
                    print(
                        f"| {row['z']} | {name[9:]} | {tokens} | {what} | {size / 1024:.0f} of {2 * half / 1024:.0f} | "
                        + " | ".join(f"{angle:.4f}" for angle in each) + f" | {space:.4f} |", flush=True)


if __name__ == "__main__":
    main()
