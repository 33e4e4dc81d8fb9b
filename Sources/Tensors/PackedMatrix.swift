internal import CKernels

/// A matrix of weights in the order in which the inner kernel reads it, and the products with it: the one seam behind
/// which linear layers and convolutions compute.
struct PackedMatrix: Sendable {
    /// Columns of the product.
    let columns: Int
    /// Values that each of the product's values sums over: `taps` times the inputs.
    let inner: Int
    /// `[panel of 32 columns][taps][inputs][32]`
    private let panels: TensorStorage

    static let panelWidth = 32

    /// Packs `[columns][inputs][taps]`, which is a linear layer's weight for one tap and a convolution's for several.
    init(_ weight: Tensor, columns: Int, inputs: Int, taps: Int) {
        self.init(
            weight, columns: columns, inputs: inputs, taps: taps, columnStride: inputs * taps, inputStride: taps, tap: { $0 },
            lasts: true)
    }

    /// Packs values that lie as strides say.
    ///
    /// - Parameters:
    ///   - tap: where the values of a tap begin.
    ///   - lasts: whether it is kept for long.
    init(
        _ weight: Tensor, columns: Int, inputs: Int, taps: Int, columnStride: Int, inputStride: Int, tap: (Int) -> Int,
        lasts: Bool = false
    ) {
        (self.columns, inner) = (columns, inputs * taps)
        panels = TensorStorage(count: ck_packed_count(columns, inputs * taps), lasts: lasts)
        let target = panels.base
        let width = PackedMatrix.panelWidth
        Threads.perform((columns + width - 1) / width) { panel in
            let first = panel * width
            for number in 0..<taps {
                ck_pack_panel(
                    weight.storage.base + first * columnStride + tap(number), columnStride, inputStride,
                    min(width, columns - first), inputs, target + (panel * taps + number) * inputs * width)
            }
        }
    }

    /// The panel with this number.
    func panel(_ number: Int) -> UnsafePointer<Float> {
        UnsafePointer(panels.base + number * inner * PackedMatrix.panelWidth)
    }

    /// How a product is cut into tasks.
    private struct Tasks {
        let rows: Int
        let rowTasks: Int
        let panelsOfTask: Int
        let count: Int

        /// Rows that stay in a second-level cache while the panels pass by, and enough tasks for many threads.
        init(rows: Int, inner: Int, panels: Int) {
            self.rows = rows
            let rowsOfTask = min(max(98_304 / max(min(inner, 1280), 1) / 14, 4), 16) * 14
            rowTasks = (rows + rowsOfTask - 1) / rowsOfTask
            panelsOfTask = min(max(panels * rowTasks / 16, 1), 10)
            count = rowTasks * ((panels + panelsOfTask - 1) / panelsOfTask)
        }

        /// Tasks of the same panels follow each other, so that these are read from memory once.
        func rows(of task: Int) -> Range<Int> {
            rows * (task % rowTasks) / rowTasks..<rows * (task % rowTasks + 1) / rowTasks
        }

        func columns(of task: Int, of columns: Int) -> Range<Int> {
            let width = panelsOfTask * PackedMatrix.panelWidth
            return task / rowTasks * width..<min((task / rowTasks + 1) * width, columns)
        }
    }

    /// Multiplies rows of `inner` values, `stride` apart, writes rows of `columns` values, and adds to them a bias and
    /// rows of the same layout, where given.
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

    /// Multiplies likewise and writes, of each row, the first half of the values times the GELU of the second half, which
    /// saves writing and reading rows twice as long.
    ///
    /// - Precondition: half of the columns are whole panels.
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

    /// Some rows by some columns, the first of which begins a panel, on this thread.
    private func multiply(
        rows: Range<Int>, _ a: UnsafePointer<Float>, stride: Int, columns: Range<Int>, bias: Tensor?,
        adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>, stride resultStride: Int
    ) {
        ck_gemm(
            rows.count, columns.count, inner, a + rows.lowerBound * stride, stride,
            panel(columns.lowerBound / PackedMatrix.panelWidth), result, resultStride,
            bias.map { UnsafePointer($0.storage.base + columns.lowerBound) }, add, resultStride)
    }
}
