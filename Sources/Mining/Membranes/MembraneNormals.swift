import Basics
import Volumes

/// The normals of membranes at the places of a grid.
enum MembraneNormals {
    /// The normals from the neighbours within three and a half voxels, of the same piece: the axis along which they spread least.
    /// Within a piece they point to the same side, as far as it has sides. Zero where there are fewer than six neighbours, or
    /// they are no sheet but a line.
    static func normals(of grid: MembraneGrid, check: () throws -> Void) throws -> [SIMD3<Float>] {
        let reach = Float(3.5 * grid.edges.max())
        var normals = [SIMD3<Float>](repeating: .zero, count: grid.places.count)
        try normals.withUnsafeMutableBufferPointer { buffer in
            // Safe, because each part writes its own places.
            nonisolated(unsafe) let buffer = buffer
            try MembraneGrid.parts(of: grid.places.count, check: check) { range in
                for index in range { buffer[index] = normal(at: index, of: grid, within: reach) }
            }
        }
        try orient(&normals, of: grid, check: check)
        return normals
    }

    private static func normal(at index: Int, of grid: MembraneGrid, within reach: Float) -> SIMD3<Float> {
        var (count, sum, squares, products) = (0.0, SIMD3<Double>.zero, SIMD3<Double>.zero, SIMD3<Double>.zero)
        let piece = grid.pieces[index]
        grid.forEach(near: grid.places[index], within: reach) { other, vector, _ in
            guard grid.pieces[other] == piece else { return }
            let vector = SIMD3<Double>(vector)
            count += 1
            sum += vector
            squares += vector * vector
            products += vector * SIMD3(vector.y, vector.z, vector.x)
        }
        guard count >= 7 else { return .zero }
        let mean = sum / count
        squares = squares / count - mean * mean
        products = products / count - mean * SIMD3(mean.y, mean.z, mean.x)
        var rows = [
            SIMD3(squares.x, products.x, products.z), SIMD3(products.x, squares.y, products.y),
            SIMD3(products.z, products.y, squares.z),
        ]
        var axes = [SIMD3(1.0, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)]
        for _ in 0..<8 {
            for (p, q) in [(0, 1), (0, 2), (1, 2)] where abs(rows[p][q]) > 1e-12 * (rows[p][p] + rows[q][q]) {
                let rotation = JacobiRotation(pp: rows[p][p], qq: rows[q][q], pq: rows[p][q])
                (rows[p], rows[q]) = rotation(rows[p], rows[q])
                for row in 0..<3 {
                    (rows[row][p], rows[row][q]) = rotation(rows[row][p], rows[row][q])
                }
                (axes[p], axes[q]) = rotation(axes[p], axes[q])
            }
        }
        let order = [0, 1, 2].sorted { rows[$0][$0] < rows[$1][$1] }
        let (least, middle, most) = (rows[order[0]][order[0]], rows[order[1]][order[1]], rows[order[2]][order[2]])
        // Neither a line nor a ball.
        guard middle > 0.1 * most, least < 0.5 * middle else { return .zero }
        return SIMD3<Float>(axes[order[0]])
    }

    /// Turns normals so that neighbours agree, from place to place.
    private static func orient(_ normals: inout [SIMD3<Float>], of grid: MembraneGrid, check: () throws -> Void) throws {
        let reach = Float(2.5 * grid.edges.max())
        var isDone = [Bool](repeating: false, count: normals.count)
        var queue: [Int32] = []
        for seed in normals.indices where !isDone[seed] && normals[seed] != .zero {
            isDone[seed] = true
            queue.removeAll(keepingCapacity: true)
            queue.append(Int32(seed))
            var next = 0
            while next < queue.count {
                if next % 65_536 == 0 { try check() }
                let index = Int(queue[next])
                next += 1
                let normal = normals[index]
                grid.forEach(near: grid.places[index], within: reach) { other, _, _ in
                    guard !isDone[other], grid.pieces[other] == grid.pieces[index] else { return }
                    let cosine = (normals[other] * normal).sum()
                    // Across a sharp edge nothing is known.
                    guard abs(cosine) > 0.5 else { return }
                    if cosine < 0 { normals[other] = -normals[other] }
                    isDone[other] = true
                    queue.append(Int32(other))
                }
            }
        }
    }
}
