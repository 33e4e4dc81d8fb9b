import Basics
import ImageProcessing
import Volumes

/// The centre surface of a small mask by its definition: the distance of each voxel to each other one, a Gaussian over all of 7 ×
/// 7 × 7 voxels, and Jacobi's method for the strongest curvature.
struct BruteForceSurface {
    let shape: VolumeShape
    let voxelSize: VoxelSize
    private var smooth: [Double] = []
    private var distances: [Double] = []

    init(_ masks: [Mask], shape: VolumeShape, voxelSize: VoxelSize) {
        (self.shape, self.voxelSize) = (shape, voxelSize)
        let (edges, mean) = (voxelSize.vectorInAngstroms, voxelSize.meanInAngstroms)
        let flags = masks.flatMap(\.values)
        let (inner, outer) = (max(min(200, 32 * mean), 8 * mean), 4 * mean)
        distances = flags.indices.map { index in
            let here = place(index)
            var best = flags[index] ? inner * inner : outer * outer
            for other in flags.indices where flags[other] != flags[index] {
                let away = (place(other) - here) * edges
                best = min(best, (away * away).sum())
            }
            let length = best.squareRoot() - mean / 2
            return flags[index] ? length : -length
        }
        // One voxel beyond the border on each side is kept, for differences.
        let wide = (z: -1...shape.z, y: -1...shape.y, x: -1...shape.x)
        var weights = (-3...3).map { 1 / (Double($0 * $0) / 2).exponential }
        let sum = weights.reduce(0, +)
        weights = weights.map { $0 / sum }
        for z in wide.z {
            for y in wide.y {
                for x in wide.x {
                    var value = 0.0
                    for (c, dz) in (-3...3).enumerated() {
                        for (b, dy) in (-3...3).enumerated() {
                            for (a, dx) in (-3...3).enumerated() {
                                value += weights[a] * weights[b] * weights[c] * distance(x + dx, y + dy, z + dz)
                            }
                        }
                    }
                    smooth.append(value)
                }
            }
        }
    }

    private func place(_ index: Int) -> SIMD3<Double> {
        SIMD3(Double(index % shape.x), Double(index / shape.x % shape.y), Double(index / shape.voxelsPerSlice))
    }

    /// The distance at a voxel; beyond the border, that of its mirror image.
    private func distance(_ x: Int, _ y: Int, _ z: Int) -> Double {
        func mirrored(_ place: Int, _ count: Int) -> Int {
            min(max(place < 0 ? -1 - place : place >= count ? 2 * count - 1 - place : place, 0), count - 1)
        }
        return distances[
            (mirrored(z, shape.z) * shape.y + mirrored(y, shape.y)) * shape.x + mirrored(x, shape.x)]
    }

    private func value(_ x: Int, _ y: Int, _ z: Int) -> Double {
        smooth[((z + 1) * (shape.y + 2) + y + 1) * (shape.x + 2) + x + 1]
    }

    /// The place of the ridge in a voxel, in voxels from its centre; nil where there is none.
    func offset(x: Int, y: Int, z: Int) -> SIMD3<Double>? {
        let (edges, mean) = (voxelSize.vectorInAngstroms, voxelSize.meanInAngstroms)
        guard distances[(z * shape.y + y) * shape.x + x] >= -0.51 * mean else { return nil }
        func at(_ step: SIMD3<Int>) -> Double { value(x + step.x, y + step.y, z + step.z) }
        let units = [SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)]
        var matrix = (0..<3).map { a in
            (0..<3).map { b in
                let (one, other) = (units[a], units[b])
                let difference =
                    a == b
                    ? at(one) + at(.zero &- one) - 2 * at(.zero)
                    : (at(one &+ other) + at(.zero &- one &- other) - at(one &- other) - at(other &- one)) / 4
                return difference / (edges[a] * edges[b])
            }
        }
        let (trace, least) = (matrix[0][0] + matrix[1][1] + matrix[2][2], -0.5 / mean)
        var vectors = (0..<3).map { a in SIMD3((0..<3).map { $0 == a ? 1.0 : 0 }) }
        for _ in 0..<30 {
            for (p, q) in [(0, 1), (0, 2), (1, 2)] where abs(matrix[p][q]) > 1e-14 {
                let rotation = JacobiRotation(pp: matrix[p][p], qq: matrix[q][q], pq: matrix[p][q])
                for row in 0..<3 { (matrix[row][p], matrix[row][q]) = rotation(matrix[row][p], matrix[row][q]) }
                for column in 0..<3 { (matrix[p][column], matrix[q][column]) = rotation(matrix[p][column], matrix[q][column]) }
                (vectors[p], vectors[q]) = rotation(vectors[p], vectors[q])
            }
        }
        let strongest = (0..<3).min { matrix[$0][$0] < matrix[$1][$1] } ?? 0
        let (curvature, direction) = (matrix[strongest][strongest], vectors[strongest])
        if curvature < least {
            let gradient = SIMD3(units.map { (at($0) - at(.zero &- $0)) / 2 }) / edges
            let offset = -(gradient * direction).sum() / curvature * direction / edges
            if max(abs(offset.x), abs(offset.y), abs(offset.z)) <= 0.51 { return offset }
        }
        guard trace < least else { return nil }
        let neighbours = (0..<27).map { SIMD3($0 % 3 - 1, $0 / 3 % 3 - 1, $0 / 9 - 1) }
        // Mirror images are equal but for rounding.
        return neighbours.allSatisfy { at($0) <= at(.zero) + 1e-9 } ? .zero : nil
    }
}

extension Double {
    /// e to this power.
    fileprivate var exponential: Double {
        // By its series, which needs no other module.
        var (sum, term) = (1.0, 1.0)
        for k in 1..<40 {
            term *= self / Double(k)
            sum += term
        }
        return sum
    }
}
