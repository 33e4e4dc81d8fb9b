internal import Tensors

/// A dense symmetric n × n matrix of float32. Both triangles are stored, so that a product reads whole rows.
///
/// Rows are `stride` values apart and padded with zeros. Rows a multiple of 4 KiB apart would map to a few sets of the
/// first-level cache, and a product would take twice as long.
struct SymmetricMatrix: Sendable {
    let n: Int
    let stride: Int
    /// `[n, stride]`
    let values: Tensor

    /// Floats from one row to the next: n, or n + 16 where n is a multiple of 512.
    static func stride(of n: Int) -> Int { n % 512 == 0 ? n + 16 : n }

    /// - Parameter values: `[n, stride]`, symmetric, zero beyond n.
    init(n: Int, values: Tensor) {
        (self.n, self.values) = (n, values)
        stride = SymmetricMatrix.stride(of: n)
    }

    /// Unpacks Σ scale · (triangle − 1) from packed upper triangles.
    ///
    /// - Returns: nil where a triangle holds a number that is not finite.
    init?(n: Int, triangles: [(triangle: AffinityTerm.Triangle, scale: Float)]) {
        let stride = SymmetricMatrix.stride(of: n)
        // For each row 0, or NaN where a number is not finite.
        var check = [Float](repeating: 0, count: n)
        let values = Tensor(shape: [n, stride]) { target in
            check.withUnsafeMutableBufferPointer { check in
                SymmetricMatrix.unpack(triangles, n: n, stride: stride, into: target, check: check)
            }
            SymmetricMatrix.mirror(target, n: n, stride: stride)
        }
        guard check.allSatisfy({ $0 == 0 }) else { return nil }
        self.init(n: n, values: values)
    }

    /// Writes each row from the diagonal on, and the zeros at its end.
    private static func unpack(
        _ triangles: [(triangle: AffinityTerm.Triangle, scale: Float)], n: Int, stride: Int,
        into target: UnsafeMutableBufferPointer<Float>, check: UnsafeMutableBufferPointer<Float>
    ) {
        let rowsOfTask = 16
        Threads.perform((n + rowsOfTask - 1) / rowsOfTask) { task in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: n) { scratch in
                for row in task * rowsOfTask..<min((task + 1) * rowsOfTask, n) {
                    let first = row * n - row * (row - 1) / 2
                    let part = UnsafeMutableBufferPointer(rebasing: target[row * stride + row..<row * stride + n])
                    target[row * stride + n..<(row + 1) * stride].update(repeating: 0)
                    for (index, (triangle, scale)) in triangles.enumerated() {
                        triangle.withFloats(first..<first + n - row, scratch: scratch) { source in
                            if index == 0 {
                                for column in 0..<part.count { part[column] = scale * (source[column] - 1) }
                            } else {
                                for column in 0..<part.count { part[column] += scale * (source[column] - 1) }
                            }
                        }
                    }
                    check[row] = SymmetricMatrix.zeroIfFinite(UnsafeBufferPointer(part))
                }
            }
        }
    }

    /// 0, or NaN where one of the values is not finite.
    static func zeroIfFinite(_ values: UnsafeBufferPointer<Float>) -> Float {
        var lanes = SIMD16<Float>.zero
        let whole = values.count / 16 * 16
        if let base = values.baseAddress {
            let raw = UnsafeRawPointer(base)
            for index in Swift.stride(from: 0, to: whole, by: 16) {
                lanes += raw.loadUnaligned(fromByteOffset: index * 4, as: SIMD16<Float>.self) * 0
            }
        }
        return values[whole...].reduce(lanes.sum()) { $0 + $1 * 0 }
    }

    /// Copies the upper triangle to the lower one, in squares of 32 × 32.
    static func mirror(_ matrix: UnsafeMutableBufferPointer<Float>, n: Int, stride: Int) {
        guard let base = matrix.baseAddress else { return }
        let side = 32
        Threads.perform((n + side - 1) / side) { block in
            let rows = block * side..<min((block + 1) * side, n)
            for first in Swift.stride(from: 0, through: rows.lowerBound, by: side) {
                for row in rows {
                    let target = base + row * stride
                    for column in first..<min(first + side, row) { target[column] = base[column * stride + row] }
                }
            }
        }
    }

    /// The product with b vectors: `[b, stride]`, zero beyond n → `[n, b]`.
    func multiplied(by x: Tensor) -> Tensor { Linear(weight: x, bias: nil)(values) }
}
