internal import CKernels

/// A linear (fully connected) layer: y = x Wᵀ + b over the last axis.
public struct Linear: Sendable {
    /// Channels of the input.
    public let inputs: Int
    /// Channels of the result.
    public let outputs: Int
    private let weight: PackedMatrix
    private let bias: Tensor?

    /// Creates the layer. The weight is copied into the order that the inner kernel reads.
    ///
    /// - Parameters:
    ///   - weight: W, `[outputs, inputs]`.
    ///   - bias: b, `[outputs]`, or nil for none.
    ///   - arithmetic: the numbers that are multiplied.
    /// - Precondition: the bias, if any, has `outputs` values.
    public init(weight: Tensor, bias: Tensor?, arithmetic: Arithmetic = .float32) {
        precondition(weight.shape.count == 2, "\(weight.shape) is no matrix")
        precondition(bias.map { $0.count == weight.shape[0] } ?? true, "a bias that does not fit \(weight.shape)")
        (outputs, inputs) = (weight.shape[0], weight.shape[1])
        self.weight = PackedMatrix(weight, columns: outputs, inputs: inputs, taps: 1, arithmetic: arithmetic)
        self.bias = bias
    }

    /// `[…, inputs]` → `[…, outputs]`
    ///
    /// - Complexity: 2 · inputs · outputs operations for each row.
    public func callAsFunction(_ x: Tensor) -> Tensor { apply(to: x, residual: nil) }

    /// The layer's result plus `residual`, which has the result's shape `[…, outputs]`.
    public func callAsFunction(_ x: Tensor, addingTo residual: Tensor) -> Tensor { apply(to: x, residual: residual) }

    /// Linear layer followed by GEGLU, `self(x).gatedGELU()`: `[…, inputs]` → `[…, outputs / 2]`. The intermediate array
    /// `[…, outputs]` is not written where `outputs` is a multiple of 64.
    public func gatedGELU(_ x: Tensor) -> Tensor {
        guard outputs % (2 * PackedMatrix.panelWidth) == 0 else { return apply(to: x, residual: nil).gatedGELU() }
        precondition(x.shape.last == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let leading = Array(x.shape.dropLast())
        let rows = Tensor.count(of: leading)
        return Tensor(
            shape: leading + [outputs / 2],
            storage: .filled(count: rows * (outputs / 2)) { result in
                weight.multiplyGatedGELU(rows: rows, x.storage.base, stride: inputs, bias: bias, into: result)
            })
    }

    private func apply(to x: Tensor, residual: Tensor?) -> Tensor {
        precondition(x.shape.last == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let shape = Array(x.shape.dropLast()) + [outputs]
        precondition(residual.map { $0.shape == shape } ?? true, "a residual that does not fit \(shape)")
        let rows = Tensor.count(of: x.shape.dropLast())
        return Tensor(
            shape: shape,
            storage: .filled(count: rows * outputs) { result in
                weight.multiply(
                    rows: rows, x.storage.base, stride: inputs, bias: bias,
                    adding: residual.map { UnsafePointer($0.storage.base) }, into: result)
            })
    }
}

/// A weight matrix in panels of 32 columns, the order in which `ck_gemm` reads it, and products A · W with it. Linear layers and
/// convolutions use no other matrix product, so that another library could replace it here alone.
struct PackedMatrix: Sendable {
    /// Columns of the product: the outputs of a layer.
    let columns: Int
    /// The inner dimension: `taps` · inputs.
    let inner: Int
    /// The numbers that are multiplied. With an odd number of inputs, the taps of a convolution do not fall into pairs, and stay floats.
    let numbers: ck_numbers
    /// The inner dimension as it is stored: floats, or pairs of bfloat16.
    private let slots: Int
    /// `[panel of 32 columns][taps][inputs][32]`
    private let panels: TensorStorage

    /// Columns of a panel. The last panel is filled up with zeros.
    static let panelWidth = 32

    /// Packs `[columns][inputs][taps]`: the weight of a linear layer (one tap) or of a convolution (one tap for each position of
    /// the kernel).
    init(_ weight: Tensor, columns: Int, inputs: Int, taps: Int, arithmetic: Arithmetic = .float32) {
        self.init(
            weight, columns: columns, inputs: inputs, taps: taps, columnStride: inputs * taps, inputStride: taps, tap: { $0 },
            arithmetic: arithmetic, lasts: true)
    }

    /// Packs a weight of any order in memory.
    ///
    /// - Parameters:
    ///   - columnStride: floats from one column to the next.
    ///   - inputStride: floats from one input to the next.
    ///   - tap: the offset in floats of the tap with this number.
    ///   - lasts: whether the matrix is kept for long, as weights are (see `TensorStorage`).
    init(
        _ weight: Tensor, columns: Int, inputs: Int, taps: Int, columnStride: Int, inputStride: Int, tap: (Int) -> Int,
        arithmetic: Arithmetic = .float32, lasts: Bool = false
    ) {
        (self.columns, inner) = (columns, inputs * taps)
        let numbers = taps == 1 || inputs % 2 == 0 ? arithmetic.numbers : CK_FLOAT32
        let slots = ck_slots(inputs, numbers)
        (self.numbers, self.slots) = (numbers, taps * slots)
        panels = TensorStorage(count: ck_packed_count(columns, taps * slots), lasts: lasts)
        let pack = numbers == CK_BFLOAT16 ? ck_pack_pairs : ck_pack_panel
        let target = panels.base
        let width = PackedMatrix.panelWidth
        Threads.perform((columns + width - 1) / width) { panel in
            let first = panel * width
            for number in 0..<taps {
                pack(
                    weight.storage.base + first * columnStride + tap(number), columnStride, inputStride,
                    min(width, columns - first), inputs, target + (panel * taps + number) * slots * width)
            }
        }
    }

    /// The panel with this number: `[taps][inputs][32]`, floats or pairs.
    func panel(_ number: Int) -> UnsafePointer<Float> {
        UnsafePointer(panels.base + number * slots * PackedMatrix.panelWidth)
    }

    /// The division of a product into tasks: blocks of rows × some panels.
    private struct Tasks {
        let rows: Int
        let rowTasks: Int
        let panelsOfTask: Int
        let count: Int

        /// Blocks of rows that stay in a second-level cache while they are multiplied with the panels, and enough tasks for many
        /// threads.
        init(rows: Int, inner: Int, panels: Int) {
            self.rows = rows
            let rowsOfTask = min(max(98_304 / max(min(inner, 1280), 1) / 14, 4), 16) * 14
            rowTasks = (rows + rowsOfTask - 1) / rowsOfTask
            panelsOfTask = min(max(panels * rowTasks / 16, 1), 10)
            count = rowTasks * ((panels + panelsOfTask - 1) / panelsOfTask)
        }

        /// The rows of a task. Tasks with the same panels follow each other, so that these are read from memory once.
        func rows(of task: Int) -> Range<Int> {
            rows * (task % rowTasks) / rowTasks..<rows * (task % rowTasks + 1) / rowTasks
        }

        /// The columns of a task, of `columns` in all.
        func columns(of task: Int, of columns: Int) -> Range<Int> {
            let width = panelsOfTask * PackedMatrix.panelWidth
            return task / rowTasks * width..<min((task / rowTasks + 1) * width, columns)
        }
    }

    /// result = A · W + bias + add. A is `[rows][inner]` with rows `stride` floats apart; `result` and `add` are
    /// `[rows][columns]`, the bias `[columns]`.
    func multiply(
        rows: Int, _ a: UnsafePointer<Float>, stride: Int, bias: Tensor?, adding add: UnsafePointer<Float>?,
        into result: UnsafeMutablePointer<Float>
    ) {
        guard rows > 0, columns > 0 else { return }
        let tasks = Tasks(rows: rows, inner: inner, panels: (columns + PackedMatrix.panelWidth - 1) / PackedMatrix.panelWidth)
        Threads.perform(tasks.count) { task in
            let (rows, part) = (tasks.rows(of: task), tasks.columns(of: task, of: columns))
            let offset = rows.lowerBound * columns + part.lowerBound
            multiply(
                rows: rows, a, stride: stride, columns: part, bias: bias, adding: add.map { $0 + offset },
                into: result + offset, stride: columns)
        }
    }

    /// The same product, followed by GEGLU: writes `[rows][columns / 2]`, the first half of each row times the GELU of the second
    /// half. The full rows are never written to memory as a whole.
    ///
    /// - Precondition: half of the columns is a multiple of the panel width.
    func multiplyGatedGELU(
        rows: Int, _ a: UnsafePointer<Float>, stride: Int, bias: Tensor?, into result: UnsafeMutablePointer<Float>
    ) {
        let half = columns / 2
        guard rows > 0, half > 0 else { return }
        let tasks = Tasks(rows: rows, inner: inner, panels: half / PackedMatrix.panelWidth)
        Threads.perform(tasks.count) { task in
            let (rows, part) = (tasks.rows(of: task), tasks.columns(of: task, of: half))
            TensorStorage.withScratch(rows.count * 2 * part.count) { pairs in
                for (number, first) in [0, half].enumerated() {
                    multiply(
                        rows: rows, a, stride: stride, columns: part.lowerBound + first..<part.upperBound + first, bias: bias,
                        adding: nil, into: pairs + number * part.count, stride: 2 * part.count)
                }
                ck_gated_gelu(pairs, result + rows.lowerBound * half + part.lowerBound, half, rows.count, part.count)
            }
        }
    }

    /// The product for a range of rows and a range of columns, on the calling thread. The first column is the first of a panel.
    func multiply(
        rows: Range<Int>, _ a: UnsafePointer<Float>, stride: Int, columns: Range<Int>, bias: Tensor?,
        adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>, stride resultStride: Int
    ) {
        ck_gemm(
            rows.count, columns.count, inner, a + rows.lowerBound * stride, stride,
            panel(columns.lowerBound / PackedMatrix.panelWidth), numbers, result, resultStride,
            bias.map { UnsafePointer($0.storage.base + columns.lowerBound) }, add, resultStride)
    }
}
