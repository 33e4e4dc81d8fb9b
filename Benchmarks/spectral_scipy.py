"""Finds with SciPy the eigenvectors that SpectralBenchmark found, and compares them.

    python spectral_scipy.py FOLDER [RUNS]

FOLDER is where spectral-benchmark wrote affinities and what it found. Times are of scipy.sparse.linalg.eigsh alone, on
the assembled matrix in float32 and float64; they leave out reading, unpacking and assembling it.
"""

import pathlib
import statistics
import sys
import time

import numpy as np
import scipy
from scipy.sparse.linalg import eigsh

folder, runs = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
side, count = 64, 20
print(f"scipy {scipy.__version__}, numpy {np.__version__}, medians of {runs} runs")
for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
    matrix, total = np.zeros((side**2, side**2)), 0
    for path in sorted(kind.glob("*.f16")):
        _, own, layers = map(int, path.stem.split("-"))
        n, factor = own**2, side // own
        s = np.zeros((n, n))
        s[np.triu_indices(n)] = np.fromfile(path, "<f2")
        s += s.T - np.diag(np.diag(s))
        y, x = np.divmod(np.arange(side**2), side)
        block = y // factor * own + x // factor
        matrix += layers / n / factor**4 * s[np.ix_(block, block)]
        total += layers
    matrix /= total
    for dtype in (np.float32, np.float64):
        converted, seconds = matrix.astype(dtype), []
        for _ in range(runs):
            begin = time.perf_counter()
            values, vectors = eigsh(converted, count, which="LA")
            seconds.append(time.perf_counter() - begin)
        print(f"| {kind.name}: eigsh, {np.dtype(dtype).name} | {statistics.median(seconds) * 1e3:.0f} ms |  |")
    order = np.argsort(-values)
    values, vectors = values[order], vectors[:, order]
    own_values = np.fromfile(kind / "values.f64")
    own_vectors = np.linalg.qr(np.fromfile(kind / "vectors.f32", "<f4").reshape(count, -1).T.astype(np.float64))[0]
    angle = np.linalg.norm(own_vectors - vectors @ (vectors.T @ own_vectors), 2)
    print(f"| {kind.name}: eigenvalues off by | {np.max(np.abs(own_values / values - 1)):.1e} | 1e-5 |")
    print(f"| {kind.name}: largest principal angle | {angle:.1e} | 1e-4 |")
