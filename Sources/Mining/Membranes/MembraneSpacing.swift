import Basics
import Foundation
import Volumes

/// The distances from the places of membranes along their normals to the next sheet.
struct MembraneSpacing: Sendable {
    let grid: MembraneGrid
    let normals: [SIMD3<Float>]
    private let counts: SIMD3<Int>
    let limit: Double
    /// A bit for each voxel of the grid's edges that has a place, or touches one that has.
    private let bits: [UInt64]

    /// The nearest sheet of a place.
    struct Neighbour {
        /// NaN where there is none within the limit.
        var distance = Float.nan
        var isOfOtherPiece = false
    }

    /// - Throws: what `check` throws.
    init(
        _ grid: MembraneGrid, _ normals: [SIMD3<Float>], shape: VolumeShape, limit: Double, check: () throws -> Void
    ) throws {
        (self.grid, self.normals, self.limit) = (grid, normals, limit)
        let edges = grid.edges
        let sides = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z)) * grid.voxelSize.vectorInAngstroms
        let counts = SIMD3<Int>((sides / edges).rounded(.up))
        self.counts = counts
        var bits = [UInt64](repeating: 0, count: (counts.x * counts.y * counts.z + 63) / 64)
        for (index, place) in grid.places.enumerated() {
            if index % 65_536 == 0 { try check() }
            let voxel = (SIMD3<Double>(place) / edges).rounded(.toNearestOrAwayFromZero)
            let (x, y, z) = (Int(voxel.x), Int(voxel.y), Int(voxel.z))
            for z in max(0, z - 1)..<max(0, min(counts.z, z + 2)) {
                for y in max(0, y - 1)..<max(0, min(counts.y, y + 2)) {
                    for x in max(0, x - 1)..<max(0, min(counts.x, x + 2)) {
                        let bit = (z * counts.y + y) * counts.x + x
                        bits[bit >> 6] |= 1 << UInt64(bit & 63)
                    }
                }
            }
        }
        self.bits = bits
    }

    func measure(check: () throws -> Void) throws -> [Neighbour] {
        var result = [Neighbour](repeating: Neighbour(), count: grid.places.count)
        try result.withUnsafeMutableBufferPointer { buffer in
            // Safe, because each part writes its own places.
            nonisolated(unsafe) let buffer = buffer
            try MembraneGrid.parts(of: grid.places.count, check: check) { range in
                for index in range where normals[index] != .zero {
                    let normal = SIMD3<Double>(normals[index])
                    for direction in [normal, -normal] {
                        let found = neighbour(of: index, along: direction)
                        if !(buffer[index].distance <= found.distance), !found.distance.isNaN { buffer[index] = found }
                    }
                }
            }
        }
        return result
    }

    private func neighbour(of index: Int, along direction: SIMD3<Double>) -> Neighbour {
        let (edges, origin) = (grid.edges, SIMD3<Double>(grid.places[index]))
        let edge = edges.max()
        let (step, least) = (edges.min(), 3 * edge)
        var distance = least
        while distance <= limit + edge {
            let place = origin + distance * direction
            let voxel = (place / edges).rounded(.toNearestOrAwayFromZero)
            let (x, y, z) = (Int(voxel.x), Int(voxel.y), Int(voxel.z))
            guard x >= 0, y >= 0, z >= 0, x < counts.x, y < counts.y, z < counts.z else { break }
            let bit = (z * counts.y + y) * counts.x + x
            if bits[bit >> 6] >> UInt64(bit & 63) & 1 != 0,
                let found = crossing(from: origin, along: direction, near: place, least: least, edge: edge)
            {
                return found.0 <= limit
                    ? Neighbour(distance: Float(found.0), isOfOtherPiece: grid.pieces[found.1] != grid.pieces[index])
                    : Neighbour()
            }
            distance += step
        }
        return Neighbour()
    }

    /// Where a line crosses the tangent plane of the place near it that lies nearest to the line.
    private func crossing(
        from origin: SIMD3<Double>, along direction: SIMD3<Double>, near place: SIMD3<Double>, least: Double, edge: Double
    ) -> (Double, Int)? {
        var (best, result): (Double, (Double, Int)?) = (edge * edge * 1.21, nil)
        grid.forEach(near: SIMD3<Float>(place), within: Float(1.8 * edge)) { other, _, _ in
            let vector = SIMD3<Double>(grid.places[other]) - origin
            let along = (vector * direction).sum()
            let normal = SIMD3<Double>(normals[other])
            let cosine = (normal * direction).sum()
            guard along >= least, abs(cosine) > 0.3 else { return }
            let lateral = (vector * vector).sum() - along * along
            guard lateral < best else { return }
            (best, result) = (lateral, ((vector * normal).sum() / cosine, other))
        }
        return result
    }
}
