internal import CKernels

/// Convolutions of any kernel and stride by im2col: each voxel's neighbourhood ("patch") becomes one row of a matrix,
/// `[row][taps · inputs]`, which is multiplied with the weight.
extension Convolution3D {
    /// Values of a patch: `[taps][inputs]`.
    private var inner: Int { kernel.count * inputs }

    /// The number of patches that are copied at a time: 4 MiB of them, but 64 at least.
    private func rowsOfStrip(_ rows: Int) -> Int { max(min(1_048_576 / inner, rows), min(64, rows), 1) }

    /// The convolution, `[N, D′, H′, W′, outputs]`; with a ReLU where `isRectified`. `extent` is D′, H′, W′.
    func applyToPatches(
        _ weight: PackedMatrix, bias: Tensor?, isRectified: Bool, of x: Tensor, extent: Extent3D,
        into result: UnsafeMutablePointer<Float>
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
            if isRectified { Tensor.rectify(result + first * outputs, count: count * outputs) }
        }
    }

    /// The gradient with respect to the weight: the transposed patch matrix times the gradient of the result.
    func patchWeightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        let extent = gradient.extent
        let rows = x.shape[0] * extent.count
        let strip = rowsOfStrip(rows)
        let panels = (outputs + PackedMatrix.panelWidth - 1) / PackedMatrix.panelWidth
        let width = PackedMatrix.panelWidth
        // Sums, `[panel][taps · inputs][32]`. A task owns some rows of a panel.
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
                        // 256 voxels at a time, so that the operands stay in the first-level cache.
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

    /// The weight of ``gatheredGradient(_:weight:extent:)``: `[outputs, taps · inputs]`, packed.
    func patchGradientMatrix(_ weight: Tensor) -> PackedMatrix {
        let taps = kernel.count
        // The weight as `[taps · inputs, outputs]`.
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
        return PackedMatrix(columns, columns: taps * inputs, inputs: outputs, taps: 1)
    }

    /// Whether windows of the kernel lie side by side, so that each voxel of the transposed convolution's result comes of one voxel
    /// alone; with a row of a window in whole panels of a packed weight.
    func tiles(_ extent: Extent3D, from source: Extent3D) -> Bool {
        kernel == stride && padding == Extent3D(0) && source.combined(stride, *) == extent
            && kernel.width * inputs % PackedMatrix.panelWidth == 0
    }

    /// The transposed convolution where windows lie side by side (``tiles(_:from:)``): each row of a window is a product, written where it
    /// belongs.
    ///
    /// - Parameters:
    ///   - weight: as ``patchGradientMatrix(_:)`` packs it.
    ///   - bias: `[inputs]`, or nil.
    ///   - extent: D, H, W of the input.
    func tiledGradient(_ gradient: Tensor, weight: PackedMatrix, bias: Tensor?, extent: Extent3D) -> Tensor {
        let source = gradient.extent
        let shape = [gradient.shape[0]] + extent.lengths + [inputs]
        let row = kernel.width * inputs
        let repeated = bias.map { bias in
            let values = bias.values
            return Tensor(shape: [kernel.count * inputs], values: (0..<kernel.count).flatMap { _ in values })
        }
        return Tensor(
            shape: shape,
            storage: .filled(count: Tensor.count(of: shape)) { result in
                Threads.perform(gradient.shape[0] * source.depth * source.height) { line in
                    let (slice, y) = line.quotientAndRemainder(dividingBy: source.height)
                    for kz in 0..<kernel.depth {
                        for ky in 0..<kernel.height {
                            // Slices are counted over the batch: windows fill each volume's.
                            let target =
                                ((slice * stride.depth + kz) * extent.height + y * stride.height + ky) * extent.width * inputs
                            let first = (kz * kernel.height + ky) * row
                            weight.multiply(
                                rows: line * source.width..<(line + 1) * source.width, gradient.storage.base, stride: outputs,
                                columns: first..<first + row, bias: repeated, adding: nil, into: result + target, stride: row)
                        }
                    }
                }
            })
    }

    /// The transposed convolution of any kernel and stride: multiplies each voxel's gradient with the weight, which gives the
    /// gradient of its patch, and adds the patches up at the voxels of the input (col2im).
    ///
    /// - Parameters:
    ///   - weight: as ``patchGradientMatrix(_:)`` packs it.
    ///   - extent: D, H, W of the input.
    func gatheredGradient(_ gradient: Tensor, weight: PackedMatrix, extent: Extent3D) -> Tensor {
        let (images, source) = (gradient.shape[0], gradient.extent)
        var result = Tensor(shape: [images] + extent.lengths + [inputs])
        result.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let rowsOfPart = source.height * source.width
            // Patches of some slices at a time. Slices are added in order, so that sums do not depend on threads.
            let slices = max(1, min(source.depth, 2_097_152 / max(rowsOfPart * inner, 1)))
            for image in 0..<images {
                for first in Swift.stride(from: 0, to: source.depth, by: slices) {
                    let some = first..<min(first + slices, source.depth)
                    TensorStorage.withScratch(some.count * rowsOfPart * inner) { patches in
                        weight.multiply(
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

    /// Adds the patches of some slices to one line (z, y) of the input's gradient. One task owns the line, so that no two threads
    /// write to it.
    ///
    /// - Parameters:
    ///   - slices: the slices of the result that `patches` holds.
    ///   - source: extent of the result.
    ///   - width: voxels of the line.
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

    /// The index of the result whose patch begins at this position of the padded axis: position / stride; nil where that is
    /// negative or not whole.
    private static func result(_ position: Int, _ stride: Int) -> Int? {
        position >= 0 && position % stride == 0 ? position / stride : nil
    }

    /// Copies the patches of a range of result voxels (counted over the batch), with zeros outside of the volume.
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
