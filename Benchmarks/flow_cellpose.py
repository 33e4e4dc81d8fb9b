"""Measures CellPose's way from flows to masks on the bits of FlowBenchmark.swift, on a CPU.

    python flow_cellpose.py [RUNS] [FLOW_BENCHMARK]

FLOW_BENCHMARK is the program flow-benchmark: where it is named, it runs once after each run of CellPose, so that both
meet the same machine. Two threads, or as many as THREADS says. Medians in milliseconds, of wall and of processor time.
"""

import os
import re
import statistics
import subprocess
import sys
import time
import warnings

import numpy as np
import torch

THREADS = os.environ.get("THREADS", "2")
os.environ["NUMBA_NUM_THREADS"] = THREADS
torch.set_num_threads(int(THREADS))
from cellpose import dynamics, metrics, utils  # noqa: E402

warnings.filterwarnings("ignore")
CPU = torch.device("cpu")


def splitmix(seed, count):
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def discs():
    y, x = np.mgrid[:1024, :1024]
    labels = np.zeros((1024, 1024), np.int32)
    for index, word in enumerate(splitmix(1, 200).tolist()):
        cy, cx = 34 + index // 14 * 68 + word % 5, 36 + index % 14 * 73 + (word >> 8) % 5
        radius = 24 + (word >> 16) % 10
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= radius * radius] = index + 1
    return labels


def network(labels):
    flows = np.asarray(dynamics.labels_to_flows([labels.copy()], device=CPU)[0][2:], np.float32)
    words = splitmix(2, labels.size).reshape(labels.shape)
    noise = [((words >> np.uint64(8 * k)) & np.uint64(255)).astype(np.int64) - 128 >> 1 for k in range(2)]
    said = np.stack([np.rint(flow.astype(np.float64) * 320) + disturbance for flow, disturbance in zip(flows, noise)])
    return (said / 64).astype(np.float32), np.where(labels > 0, np.float32(2), np.float32(-2))


runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
program = sys.argv[2] if len(sys.argv) > 2 else None
labels = discs()
flows, probability = network(labels)
inds = np.nonzero(probability > 0)
steps = flows * (probability > 0) / 5.0
ends = torch.from_numpy(dynamics.follow_flows(steps, inds, niter=200)).int()
bodies = {
    "flows of labels": lambda: dynamics.labels_to_flows([labels.copy()], device=CPU),
    "following flows, 200 steps": lambda: dynamics.follow_flows(steps, inds, niter=200),
    "masks of end points": lambda: dynamics.get_masks_torch(ends.clone(), inds, labels.shape),
    "check of flow errors": lambda: metrics.flow_error(labels, flows, CPU),
    "holes and small objects": lambda: utils.fill_holes_and_remove_small_masks(labels.copy()),
    "all, flows to masks": lambda: dynamics.resize_and_compute_masks(flows, probability),
}
theirs = {name: [] for name in bodies}
ours = {name: [] for name in bodies}
for run in range(runs + 1):
    for name, body in bodies.items():
        wall, processor = time.perf_counter(), time.process_time()
        body()
        if run > 0:  # The first compiles.
            theirs[name].append(((time.perf_counter() - wall) * 1e3, (time.process_time() - processor) * 1e3))
    if program and run > 0:
        lines = subprocess.run([program, "1", THREADS], check=True, capture_output=True, text=True).stdout
        for name, wall, processor in re.findall(r"Cellar: (.*?) \| ([\d.]+) ms, processor ([\d.]+) ms", lines):
            ours[name].append((float(wall), float(processor)))
for name in bodies:
    wall, processor = (statistics.median(column) for column in zip(*theirs[name]))
    line = f"CellPose: {name} | {wall:.1f} ms, processor {processor:.1f} ms"
    if ours[name]:
        our_wall, our_processor = (statistics.median(column) for column in zip(*ours[name]))
        line += (f" | Cellar {our_wall:.1f} ms, processor {our_processor:.1f} ms: {wall / our_wall:.1f} and "
                 f"{processor / our_processor:.1f} times as fast")
    print(f"| {line} |", flush=True)
masks = dynamics.resize_and_compute_masks(flows, probability)
print(f"check {int(masks.max())} objects")
