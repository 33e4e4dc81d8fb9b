import Basics
import Foundation
import Volumes

/// The search of ``CentreSurfaceFinder`` in one tile: distances to the mask's border, their smoothing, and the test of each
/// voxel.
struct RidgeSearch: Sendable {
    /// The side of a tile along y and x.
    static let tileSide = 128
    /// The curvature of the smoothed distance above which there is a ridge, per voxel; a sheet has 0.74.
    private static let leastCurvature = 0.5
    /// Half a voxel, and a little more: else a surface that goes exactly between voxels would be in neither.
    private static let half = 0.51
    /// The weights of a Gaussian of one voxel, from its middle on.
    private static let weights: [Float] = {
        let values = (0...3).map { exp(-Double($0 * $0) / 2) }
        let sum = values[0] + 2 * values[1...].reduce(0, +)
        return values.map { Float($0 / sum) }
    }()
    /// The voxels around a tile whose distances count: three of the Gaussian, and one of the differences.
    private static let margin = 4

    let shape: VolumeShape
    /// The edges of a voxel along x, y, z, and their mean, in Å.
    let edges: SIMD3<Double>
    let mean: Double
    /// The greatest distances in Å that are told apart, within the mask and outside of it.
    let (inner, outer): (Double, Double)
    /// The same in voxels along x, y, z.
    let (innerReach, outerReach): (SIMD3<Int>, SIMD3<Int>)

    /// The slices on either side that a slice depends on.
    var reach: Int { innerReach.z + Self.margin }

    init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.shape = shape
        edges = voxelSize.vectorInAngstroms
        mean = voxelSize.meanInAngstroms
        inner = max(min(200, 32 * mean), 8 * mean)
        outer = 4 * mean
        func voxels(_ length: Double, _ edges: SIMD3<Double>) -> SIMD3<Int> {
            // Of voxels that are very flat, no more than 64 count along an axis.
            SIMD3<Int>(
                (SIMD3(repeating: length) / edges).rounded(.up).clamped(lowerBound: .zero, upperBound: .init(repeating: 64)))
        }
        innerReach = voxels(inner, edges)
        outerReach = voxels(outer, edges)
    }

    /// Writes the codes of a tile into a slab of whole slices.
    ///
    /// - Parameters:
    ///   - window: slices of the mask from `first` on: all that the slab depends on.
    ///   - slab: the slices of the slab.
    ///   - codes: the slab, `[z][y][x]`, of zeros.
    func find(
        in window: [PackedSlice], from first: Int, z slab: Range<Int>, y: Range<Int>, x: Range<Int>,
        _ codes: UnsafeMutableBufferPointer<UInt8>
    ) {
        func wide(_ range: Range<Int>, _ by: Int) -> Range<Int> { range.lowerBound - by..<range.upperBound + by }
        let (all, margin) = ((z: 0..<shape.z, y: 0..<shape.y, x: 0..<shape.x), Self.margin)
        let known = (
            z: wide(slab, margin).clamped(to: all.z), y: wide(y, margin).clamped(to: all.y), x: wide(x, margin).clamped(to: all.x)
        )
        let (z, rows) = (wide(known.z, innerReach.z).clamped(to: all.z), wide(known.y, innerReach.y).clamped(to: all.y))
        let columns = wide(known.x, innerReach.x).clamped(to: all.x)

        let alongX = Field(z, rows, known.x)
        defer { alongX.values.deallocate() }
        var filled = Rows(z, rows)
        var isEmpty = true
        for slice in z {
            let mask = window[slice - first]
            for row in rows {
                filled[slice, row] = measureRow(mask, row, columns, into: alongX.row(slice, row), known.x)
                if filled[slice, row], known.z.contains(slice), known.y.contains(row) { isEmpty = false }
            }
        }
        guard !isEmpty else { return }

        // Rows without foreground nearby have the outer limit everywhere; all others are computed, whatever the tile.
        let near = (z: max(6, outerReach.z), y: max(6, outerReach.y))
        let alongY = Field(z, known.y, known.x)
        defer { alongY.values.deallocate() }
        for slice in z {
            for row in known.y {
                let isNear = filled.any(slice, row, within: (0, near.y))
                measure(alongX, at: (slice, row), isNear: isNear, alongZ: false, into: alongY.row(slice, row))
            }
        }
        let distance = Field(wide(slab, margin), wide(y, margin), wide(x, margin))
        defer { distance.values.deallocate() }
        var active = Rows(distance.z, distance.y)
        for slice in known.z {
            for row in known.y {
                let isNear = filled.any(slice, row, within: near)
                active[slice, row] = isNear
                let target = distance.row(slice, row) + (known.x.lowerBound - distance.x.lowerBound)
                measure(alongY, at: (slice, row), isNear: isNear, alongZ: true, into: target)
                for x in 0..<known.x.count {
                    let square = target[x]
                    let length = abs(square).squareRoot() - Float(mean / 2)
                    target[x] = square < 0 ? -length : length
                }
            }
        }
        extend(distance, from: known, &active)
        let smooth = smoothed(distance, active)
        defer { smooth.values.deallocate() }
        for slice in slab {
            for row in y where filled.any(slice, row, within: (1, 1)) {
                let start = ((slice - slab.lowerBound) * shape.y + row) * shape.x
                findRidge(smooth, distance, slice, row, x) { codes[start + $0] = $1 }
            }
        }
    }

    /// A Gaussian of one voxel along each axis. The outermost three voxels of the result are not filled.
    private func smoothed(_ field: Field, _ active: Rows) -> Field {
        let (w0, w1, w2, w3) = (Self.weights[0], Self.weights[1], Self.weights[2], Self.weights[3])
        func pass(_ source: Field, _ step: Int, _ z: Range<Int>, _ y: Range<Int>, _ x: Range<Int>) -> Field {
            let target = Field(field.z, field.y, field.x)
            for slice in z {
                for row in y {
                    let (from, to) = (source.row(slice, row), target.row(slice, row))
                    guard active[slice, row] else {
                        for x in x { to[x] = from[x] }
                        continue
                    }
                    for x in x {
                        let (a, b) = (from[x &- step] + from[x &+ step], from[x &- 2 &* step] + from[x &+ 2 &* step])
                        to[x] = w0 * from[x] + w1 * a + w2 * b + w3 * (from[x &- 3 &* step] + from[x &+ 3 &* step])
                    }
                }
            }
            return target
        }
        func inner(_ range: Range<Int>) -> Range<Int> { range.lowerBound + 3..<range.upperBound - 3 }
        let (x, rowStep) = (inner(0..<field.x.count), field.x.count)
        let first = pass(field, 1, field.z, field.y, x)
        let second = pass(first, rowStep, field.z, inner(field.y), x)
        first.values.deallocate()
        let third = pass(second, rowStep * field.y.count, inner(field.z), inner(field.y), x)
        second.values.deallocate()
        return third
    }

    /// Finds the voxels of a row through which a ridge goes, or in which there is a peak.
    @inline(__always)
    private func findRidge(
        _ smooth: Field, _ distance: Field, _ z: Int, _ y: Int, _ columns: Range<Int>, _ found: (Int, UInt8) -> Void
    ) {
        let (dy, dz) = (smooth.x.count, smooth.x.count * smooth.y.count)
        let (values, distances) = (smooth.row(z, y), distance.row(z, y))
        let threshold = -Float(mean) * 0.51
        for column in columns {
            let x = column &- smooth.x.lowerBound
            guard distances[x] >= threshold else { continue }
            @inline(__always) func value(_ offset: Int) -> Double { Double(values[x &+ offset]) }
            @inline(__always) func mixed(_ a: Int, _ b: Int) -> Double {
                (value(a &+ b) + value(-a &- b) - value(a &- b) - value(b &- a)) / 4
            }
            let here = 2 * value(0)
            let diagonal =
                SIMD3(
                    value(1) + value(-1) - here, value(dy) + value(-dy) - here, value(dz) + value(-dz) - here) / (edges * edges)
            let beside =
                SIMD3(mixed(dy, dz), mixed(1, dz), mixed(1, dy))
                / SIMD3(
                    edges.y * edges.z, edges.x * edges.z, edges.x * edges.y)
            let least = -Self.leastCurvature / mean
            if let ridge = Self.strongestCurvature(diagonal, beside, below: least) {
                let gradient = SIMD3(value(1) - value(-1), value(dy) - value(-dy), value(dz) - value(-dz)) / (2 * edges)
                let away = -(gradient * ridge.direction).sum() / ridge.curvature
                let offset = away * ridge.direction / edges
                if max(abs(offset.x), abs(offset.y), abs(offset.z)) <= Self.half {
                    found(column, CentreSurface.code(at: offset))
                    continue
                }
            }
            // Where sheets cross, and in the middle of a blob, curvature is shared by several directions.
            guard diagonal.sum() < least else { continue }
            let top = values[x]
            let isPeak = (-1...1).allSatisfy { z in
                (-1...1).allSatisfy { y in (-1...1).allSatisfy { values[x &+ z &* dz &+ y &* dy &+ $0] <= top } }
            }
            if isPeak { found(column, CentreSurface.code(at: .zero)) }
        }
    }

    /// The smallest eigenvalue of a symmetric matrix, and its eigenvector of length 1; nil where it is not below `least`, or
    /// where there is no one direction.
    ///
    /// - Parameters:
    ///   - diagonal: the entries xx, yy, zz.
    ///   - beside: the entries yz, xz, xy.
    private static func strongestCurvature(
        _ diagonal: SIMD3<Double>, _ beside: SIMD3<Double>, below least: Double
    ) -> (curvature: Double, direction: SIMD3<Double>)? {
        // No eigenvalue lies below the least row's diagonal minus the others (Gershgorin).
        let (a, b, c) = (abs(beside.x), abs(beside.y), abs(beside.z))
        guard min(diagonal.x - b - c, diagonal.y - a - c, diagonal.z - a - b) < least else { return nil }
        // The roots of the characteristic polynomial, by cosines (O. K. Smith, Communications of the ACM 4 (1961)).
        let middle = diagonal.sum() / 3
        let rest = diagonal - middle
        let square = (rest * rest).sum() + 2 * (beside * beside).sum()
        guard square > 0 else { return nil }
        let scale = (square / 6).squareRoot()
        let (p, q) = (rest / scale, beside / scale)
        let half = (p.x * (p.y * p.z - q.x * q.x) - q.z * (q.z * p.z - q.x * q.y) + q.y * (q.z * q.x - p.y * q.y)) / 2
        let curvature = middle + 2 * scale * cos(acos(min(max(half, -1), 1)) / 3 + 2 * .pi / 3)
        guard curvature < least else { return nil }
        // The eigenvector is perpendicular to the rows of the matrix minus the eigenvalue.
        let shifted = diagonal - curvature
        let rows = (
            SIMD3(shifted.x, beside.z, beside.y), SIMD3(beside.z, shifted.y, beside.x), SIMD3(beside.y, beside.x, shifted.z)
        )
        let candidates = (rows.0.cross(rows.1), rows.0.cross(rows.2), rows.1.cross(rows.2))
        func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum() }
        var best = candidates.0
        if length(candidates.1) > length(best) { best = candidates.1 }
        if length(candidates.2) > length(best) { best = candidates.2 }
        guard length(best) > 0 else { return nil }
        return (curvature, best / length(best).squareRoot())
    }
}
