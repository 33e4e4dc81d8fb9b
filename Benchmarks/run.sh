#!/usr/bin/env bash
# Builds the benchmarks and prints what they measure, beside what it is to be compared with. Takes some ten minutes
# after the build, and needs 12 GB of disk in FOLDER, all of which it gives back.
#
#     Benchmarks/run.sh [FOLDER]      PYTHON=… names a Python that has OpenCV
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/cellar-benchmark.XXXXXX")
trap 'rm -rf "$folder"' EXIT
swift build -c release >&2
(cd .. && swift build -c release --product cellar) >&2
bin=$(swift build -c release --show-bin-path)
python=${PYTHON:-python3}

echo "machine: $(lscpu | sed -n 's/^Model name: *//p'), $(nproc) cores, $(free -g | awk '/^Mem/{print $2}') GiB; load $(cut -d' ' -f1-3 /proc/loadavg)"
echo "| what | figure | bar |"
echo "|---|---|---|"
for tomograms in 10000 100000; do
    "$bin/plan-benchmark" make "$folder/plan-$tomograms" "$tomograms"
    "$bin/plan-benchmark" measure "$folder/plan-$tomograms" 5
    rm -rf "$folder/plan-$tomograms"
done
"$bin/engine-benchmark" "$folder"

"$bin/statistics-benchmark" make "$folder/statistics"
"$bin/statistics-benchmark" measure "$folder/statistics" 5
"$bin/statistics-benchmark" start "$folder/statistics" "$(cd .. && swift build -c release --show-bin-path)/cellar"
rm -rf "$folder/statistics"

echo
echo "survey of a float32 MRC file of 4 GiB, and sha256sum of the same file, three times each:"
"$bin/survey-benchmark" make "$folder/large.mrc" 4
cat "$folder/large.mrc" >/dev/null
for _ in 1 2 3; do
    "$bin/survey-benchmark" survey "$folder/large.mrc"
    ( TIMEFORMAT='sha256sum %R s, processor %U s'; time sha256sum "$folder/large.mrc" >/dev/null )
done
"$bin/survey-benchmark" pread "$folder/large.mrc"
"$bin/survey-benchmark" mmap "$folder/large.mrc"
rm "$folder/large.mrc"

echo
echo "CLAHE of 1024², one thread:"
"$bin/clahe-benchmark"
"$python" clahe_opencv.py || echo "(no OpenCV in $python to compare with)"

echo
echo "image operations on 1024², one thread:"
"$bin/image-benchmark"
"$python" image_python.py || echo "(no OpenCV or scikit-image in $python to compare with)"

echo
echo "layers of networks, two threads:"
"$bin/tensor-benchmark" 5
OMP_WAIT_POLICY=PASSIVE "$python" tensor_pytorch.py 5 || echo "(no PyTorch in $python to compare with)"

echo
echo "eigenvectors of a tile, two threads:"
"$bin/spectral-benchmark" "$folder/spectral" 5 --loop
"$python" spectral_scipy.py "$folder/spectral" 5 || echo "(no SciPy in $python to compare with)"

echo
echo "CellPose's network at full size, random weights, two threads:"
if "$python" ../Tests/CellposeTests/Golden/check_cellpose.py "$folder/cellpose"; then
    "$bin/cellpose-benchmark" "$folder/cellpose/cpnet" 5
    OMP_WAIT_POLICY=PASSIVE "$python" cellpose_pytorch.py "$folder/cellpose/cpnet" 5
else
    echo "(no CellPose in $python to make weights with)"
fi

echo
echo "CellPose's dynamics, two threads:"
"$bin/flow-benchmark"
"$python" flow_cellpose.py 2 || echo "(no CellPose in $python to compare with)"

echo
echo "training U-Nets, two threads:"
"$bin/training-benchmark" 5
OMP_WAIT_POLICY=PASSIVE "$python" training_pytorch.py 5 || echo "(no PyTorch in $python to compare with)"

echo
echo "particles in probabilities of 1000 × 1000 × 300, and a sliding window without a network, two threads:"
"$bin/picking-benchmark"

echo
echo "metrics and objects of a label volume of 1000 × 1000 × 300, two threads:"
"$bin/metrics-benchmark"

echo
echo "blob store:"
"$bin/blob-benchmark" "$folder"
