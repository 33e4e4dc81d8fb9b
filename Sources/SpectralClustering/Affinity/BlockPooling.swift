internal import Tensors

/// Sums of maps over the blocks that are one token of a coarser grid, and the way back.
struct BlockPooling {
    let fine: TokenGrid
    let coarse: TokenGrid
    private let rows: Int
    private let columns: Int

    /// - Precondition: the coarse grid divides the fine one.
    init(fine: TokenGrid, coarse: TokenGrid) {
        (self.fine, self.coarse) = (fine, coarse)
        (rows, columns) = (fine.height / coarse.height, fine.width / coarse.width)
    }

    /// `[b, N]` → `[b, stride]`, zero beyond the coarse grid's tokens.
    func sums(of x: Tensor, stride: Int) -> Tensor {
        let tokens = fine.count
        return Tensor(shape: [x.shape[0], stride]) { target in
            x.withUnsafeBufferPointer { x in
                Threads.perform(x.count / tokens) { vector in
                    let target = UnsafeMutableBufferPointer(rebasing: target[vector * stride..<(vector + 1) * stride])
                    let x = UnsafeBufferPointer(rebasing: x[vector * tokens..<(vector + 1) * tokens])
                    target.update(repeating: 0)
                    for row in 0..<fine.height {
                        let line = row / rows * coarse.width
                        for column in 0..<coarse.width {
                            let first = row * fine.width + column * columns
                            for place in first..<first + columns { target[line + column] += x[place] }
                        }
                    }
                }
            }
        }
    }

    /// Adds values `[n, b]` of coarse tokens to each token of their blocks, `[b, N]`.
    func add(_ values: Tensor, to y: inout Tensor) {
        let (tokens, vectors) = (fine.count, y.shape[0])
        y.withUnsafeMutableBufferPointer { y in
            values.withUnsafeBufferPointer { values in
                Threads.perform(fine.height) { row in
                    // The vectors lie a multiple of 4 KiB apart, where few lines of a cache serve all: one after the other.
                    for vector in 0..<vectors {
                        let line = row / rows * coarse.width * vectors + vector
                        let first = vector * tokens + row * fine.width
                        for column in 0..<coarse.width {
                            let value = values[line + column * vectors]
                            for place in first + column * columns..<first + (column + 1) * columns { y[place] += value }
                        }
                    }
                }
            }
        }
    }
}
