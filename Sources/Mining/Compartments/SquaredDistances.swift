import Volumes

/// The squared Euclidean distance of every voxel to the nearest membrane, exact but for the rounding to float32, axis by axis.
///
/// Source: P. F. Felzenszwalb, D. P. Huttenlocher, *Distance transforms of sampled functions*, Theory of Computing 8 (2012):
/// along each axis the result is the lower envelope of the parabolas that stand on the result of the axes before.
struct SquaredDistances {
    /// The number of lines that are copied and measured together: as many as fit a line of the cache.
    private static let lines = 16

    /// The centres of the parabolas of the envelope, from left to right.
    private var centers: [Int]
    /// Where each of them begins to be the lowest, in voxels.
    private var begins: [Double]
    /// The lines that are measured together, one after the other.
    private var values: [Float]
    private var result: [Float]

    /// Memory for lines of at most `length` voxels.
    init(length: Int) {
        centers = Array(repeating: 0, count: length)
        begins = Array(repeating: 0, count: length)
        values = Array(repeating: 0, count: length * Self.lines)
        result = Array(repeating: 0, count: length * Self.lines)
    }

    /// Writes the distances within slice z: first along x by two scans, then along y.
    ///
    /// - Complexity: linear in the voxels.
    mutating func fillSlice(_ z: Int, of grid: inout CompartmentGrid) {
        let (shape, edge, rowStride, first) = (grid.shape, Float(grid.edges.x), grid.rowStride, grid.row(z: z, y: 0))
        grid.squares.withUnsafeMutableBufferPointer { squares in
            grid.labels.withUnsafeBufferPointer { labels in
                for y in 0..<shape.y {
                    let row = first &+ y &* rowStride
                    var steps = Float.infinity
                    for index in row..<row &+ shape.x {
                        steps = labels[index] == CompartmentGrid.membrane ? 0 : steps + 1
                        squares[index] = steps
                    }
                    for index in (row..<row &+ shape.x).reversed() {
                        steps = min(squares[index], steps + 1)
                        squares[index] = steps * edge * (steps * edge)
                    }
                }
            }
            fill(squares, first: first, columns: shape.x, step: rowStride, length: shape.y, edge: grid.edges.y)
        }
    }

    /// Continues the distances within slices to those within the volume.
    ///
    /// - Complexity: linear in the voxels.
    mutating func fillAcross(_ grid: inout CompartmentGrid, check: () throws -> Void) rethrows {
        let (shape, step, edge) = (grid.shape, grid.sliceStride, grid.edges.z)
        guard shape.z > 1 else { return }
        for y in 0..<shape.y {
            if y % 64 == 0 { try check() }
            let first = grid.row(z: 0, y: y)
            grid.squares.withUnsafeMutableBufferPointer { squares in
                fill(squares, first: first, columns: shape.x, step: step, length: shape.z, edge: edge)
            }
        }
    }

    /// Continues distances along lines that lie side by side.
    private mutating func fill(
        _ squares: UnsafeMutableBufferPointer<Float>, first: Int, columns: Int, step: Int, length: Int, edge: Double
    ) {
        values.withUnsafeMutableBufferPointer { values in
            result.withUnsafeMutableBufferPointer { result in
                centers.withUnsafeMutableBufferPointer { centers in
                    begins.withUnsafeMutableBufferPointer { begins in
                        for column in stride(from: 0, to: columns, by: Self.lines) {
                            let count = min(Self.lines, columns &- column)
                            for place in 0..<length {
                                let source = first &+ column &+ place &* step
                                for line in 0..<count { values[line &* length &+ place] = squares[source &+ line] }
                            }
                            for line in 0..<count {
                                let range = line &* length..<(line &+ 1) &* length
                                Self.measure(
                                    UnsafeBufferPointer(rebasing: values[range]),
                                    UnsafeMutableBufferPointer(rebasing: result[range]), edge * edge, centers, begins)
                            }
                            for place in 0..<length {
                                let target = first &+ column &+ place &* step
                                for line in 0..<count { squares[target &+ line] = result[line &* length &+ place] }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The least of f(i) + e² (x − i)² over i for each x of a line.
    ///
    /// - Parameters:
    ///   - values: f; infinite where no parabola stands.
    ///   - square: e², the squared length of a voxel.
    private static func measure(
        _ values: UnsafeBufferPointer<Float>, _ result: UnsafeMutableBufferPointer<Float>, _ square: Double,
        _ centers: UnsafeMutableBufferPointer<Int>, _ begins: UnsafeMutableBufferPointer<Double>
    ) {
        var count = 0
        for center in 0..<values.count where values[center] < .infinity {
            let height = Double(values[center]) / square
            var begin = -Double.infinity
            while count > 0 {
                let last = centers[count &- 1]
                let difference = height - Double(values[last]) / square
                begin = (Double(center &+ last) + difference / Double(center &- last)) / 2
                if begin > begins[count &- 1] { break }
                count &-= 1
                begin = -.infinity
            }
            (centers[count], begins[count]) = (center, begin)
            count &+= 1
        }
        guard count > 0 else {
            result.update(repeating: .infinity)
            return
        }
        var part = 0
        for place in 0..<values.count {
            while part &+ 1 < count, begins[part &+ 1] < Double(place) { part &+= 1 }
            let distance = Double(place &- centers[part])
            result[place] = Float(Double(values[centers[part]]) + square * distance * distance)
        }
    }
}
