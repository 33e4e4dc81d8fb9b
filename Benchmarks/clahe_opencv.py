"""Measures OpenCV's CLAHE on the pixels of CLAHEBenchmark.swift, on one thread.

    python clahe_opencv.py [SIDE] [RUNS]
"""

import sys
import time

import cv2
import numpy as np


def tomogram(side):
    with np.errstate(over="ignore"):
        z = np.uint64(7) + np.arange(1, side * side + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))).reshape(side, side)
    y, x = np.mgrid[:side, :side]
    grain = sum((z >> np.uint64(3 * k)) & np.uint64(7) for k in range(8)).astype(np.int64)
    disc = (x % 24 - 12) ** 2 + (y % 24 - 12) ** 2 < 25
    return (110 + grain - np.where(disc, 45, 0)).astype(np.uint8)


side = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
runs = int(sys.argv[2]) if len(sys.argv) > 2 else 101
cv2.setNumThreads(1)
image = tomogram(side)
method = cv2.createCLAHE(2.0, (8, 8))
seconds = []
for _ in range(runs):
    start = time.perf_counter()
    result = method.apply(image)
    seconds.append(time.perf_counter() - start)
seconds.sort()
print(f"OpenCV {cv2.__version__} CLAHE {side}², 8 × 8, one thread: median {seconds[runs // 2] * 1e3:.3f} ms, "
      f"best {seconds[0] * 1e3:.3f} ms, {runs} runs (check {result[1, 1]})")
