internal import CKernels

/// Convolutions of any kernel and stride, by copies of each voxel's neighbourhood as one row of a matrix.
extension Convolution3D {
    private var inner: Int { kernel.count * inputs }

    /// Rows of a strip: some megabytes of neighbourhoods.
    private func rowsOfStrip(_ rows: Int) -> Int { max(min(1_048_576 / inner, rows), min(64, rows), 1) }

    func applyToPatches(
        _ weight: PackedMatrix, bias: Tensor?, of x: Tensor, extent: Extent3D, into result: UnsafeMutablePointer<Float>
    ) {
        let rows = x.shape[0] * extent.count
        let strip = rowsOfStrip(rows)
        for first in Swift.stride(from: 0, to: rows, by: strip) {
            let count = min(strip, rows - first)
            TensorStorage.withScratch(count * inner) { patches in
                copyPatches(of: x, extent: extent, rows: first..<first + count, to: patches)
                weight.multiply(
                    rows: count, patches, stride: inner, bias: bias, adding: nil, into: result + first * outputs)
            }
        }
    }

    func patchWeightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        let extent = gradient.extent
        let rows = x.shape[0] * extent.count
        let strip = rowsOfStrip(rows)
        let panels = (outputs + PackedMatrix.panelWidth - 1) / PackedMatrix.panelWidth
        let width = PackedMatrix.panelWidth
        // Sums, `[panel][taps · inputs][32]`, cut into some rows a task.
        let rowsOfTask = 48
        let tasks = (inner + rowsOfTask - 1) / rowsOfTask
        let sums = TensorStorage(count: panels * inner * width)
        sums.base.update(repeating: 0, count: sums.count)
        for first in Swift.stride(from: 0, to: rows, by: strip) {
            let count = min(strip, rows - first)
            TensorStorage.withScratch(count * inner) { patches in
                TensorStorage.withScratch(panels * count * width) { packed in
                    copyPatches(of: x, extent: extent, rows: first..<first + count, to: patches)
                    Threads.perform(panels) { panel in
                        ck_pack_panel(
                            gradient.storage.base + first * outputs + panel * width, 1, outputs,
                            min(width, outputs - panel * width), count, packed + panel * count * width)
                    }
                    Threads.perform(panels * tasks) { task in
                        let (panel, part) = task.quotientAndRemainder(dividingBy: tasks)
                        let row = part * rowsOfTask
                        let some = min(rowsOfTask, inner - row)
                        let target = sums.base + (panel * inner + row) * width
                        // Some hundred voxels at a time, so that what is summed stays in the nearest cache.
                        for from in Swift.stride(from: 0, to: count, by: 256) {
                            ck_gemm_accumulate(
                                some, min(width, outputs - panel * width), min(256, count - from), patches + from * inner + row,
                                1, inner,
                                packed + (panel * count + from) * width, target)
                        }
                    }
                }
            }
        }
        return Tensor(shape: weightShape) { weight in
            unpack(sums.base, into: weight)
        }
    }

    /// `[panel][taps][inputs][32]` → `[outputs][inputs][taps]`
    func unpack(_ panels: UnsafePointer<Float>, into weight: UnsafeMutableBufferPointer<Float>) {
        let (width, taps) = (PackedMatrix.panelWidth, kernel.count)
        for output in 0..<outputs {
            let panel = panels + output / width * taps * inputs * width + output % width
            for input in 0..<inputs {
                for tap in 0..<taps { weight[(output * inputs + input) * taps + tap] = panel[(tap * inputs + input) * width] }
            }
        }
    }

    /// Each voxel of the input gathers what the results that it took part in say of it.
    func gatheredGradient(_ gradient: Tensor, weight: Tensor, extent: Extent3D) -> Tensor {
        let taps = kernel.count
        // Columns are taps and inputs of one output's row.
        let columns = Tensor(shape: [taps * inputs, outputs]) { columns in
            let weight = weight.storage.base
            for tap in 0..<taps {
                for input in 0..<inputs {
                    for output in 0..<outputs {
                        columns[(tap * inputs + input) * outputs + output] = weight[(output * inputs + input) * taps + tap]
                    }
                }
            }
        }
        let packed = PackedMatrix(columns, columns: taps * inputs, inputs: outputs, taps: 1)
        let (images, source) = (gradient.shape[0], gradient.extent)
        var result = Tensor(shape: [images] + extent.lengths + [inputs])
        result.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rowsOfPart = source.height * source.width
            // Some slices of the results at a time, which add to slices of the input in order.
            let slices = max(1, min(source.depth, 2_097_152 / max(rowsOfPart * inner, 1)))
            for image in 0..<images {
                for first in Swift.stride(from: 0, to: source.depth, by: slices) {
                    let some = first..<min(first + slices, source.depth)
                    TensorStorage.withScratch(some.count * rowsOfPart * inner) { patches in
                        packed.multiply(
                            rows: some.count * rowsOfPart,
                            gradient.storage.base + (image * source.depth + first) * rowsOfPart * outputs, stride: outputs,
                            bias: nil, adding: nil, into: patches)
                        let target = base + image * extent.count * inputs
                        Threads.perform(extent.depth * extent.height) { line in
                            let (z, y) = line.quotientAndRemainder(dividingBy: extent.height)
                            gather(
                                patches, slices: some, source: source, z: z, y: y, to: target + line * extent.width * inputs,
                                width: extent.width)
                        }
                    }
                }
            }
        }
        return result
    }

    /// Adds to one line of the input what the patches of some slices of results hold for it.
    private func gather(
        _ patches: UnsafePointer<Float>, slices: Range<Int>, source: Extent3D, z: Int, y: Int,
        to line: UnsafeMutablePointer<Float>, width: Int
    ) {
        for kz in 0..<kernel.depth {
            guard let sz = Self.result(z + padding.depth - kz, stride.depth), slices.contains(sz) else { continue }
            for ky in 0..<kernel.height {
                guard let sy = Self.result(y + padding.height - ky, stride.height), sy < source.height else { continue }
                let row = ((sz - slices.lowerBound) * source.height + sy) * source.width
                for kx in 0..<kernel.width {
                    let tap = (kz * kernel.height + ky) * kernel.width + kx
                    for sx in 0..<source.width {
                        let x = sx * stride.width + kx - padding.width
                        guard x >= 0, x < width else { continue }
                        let (target, patch) = (line + x * inputs, patches + (row + sx) * inner + tap * inputs)
                        for channel in 0..<inputs { target[channel] += patch[channel] }
                    }
                }
            }
        }
    }

    /// Which result a place is the beginning of; nil where the stride passes over it.
    private static func result(_ place: Int, _ stride: Int) -> Int? {
        place >= 0 && place % stride == 0 ? place / stride : nil
    }

    private func copyPatches(of x: Tensor, extent: Extent3D, rows: Range<Int>, to patches: UnsafeMutablePointer<Float>) {
        let rowsOfTask = 256
        let size = x.extent
        Threads.perform((rows.count + rowsOfTask - 1) / rowsOfTask) { task in
            let (lengths, kernel) = (size.lengths, kernel.lengths)
            for row in task * rowsOfTask..<min((task + 1) * rowsOfTask, rows.count) {
                let (image, voxel) = (rows.lowerBound + row).quotientAndRemainder(dividingBy: extent.count)
                let (z, rest) = voxel.quotientAndRemainder(dividingBy: extent.height * extent.width)
                ck_patch(
                    x.storage.base + image * size.count * inputs, lengths, inputs, z * stride.depth - padding.depth,
                    rest / extent.width * stride.height - padding.height, rest % extent.width * stride.width - padding.width,
                    kernel, patches + row * inner)
            }
        }
    }
}
