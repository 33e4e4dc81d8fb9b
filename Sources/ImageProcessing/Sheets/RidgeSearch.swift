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

    private let shape: VolumeShape
    /// The edges of a voxel along x, y, z, and their mean, in Å.
    private let edges: SIMD3<Double>
    private let mean: Double
    /// The greatest distances in Å that are told apart, within the mask and outside of it.
    private let (inner, outer): (Double, Double)
    /// The same in voxels along x, y, z.
    private let (innerReach, outerReach): (SIMD3<Int>, SIMD3<Int>)

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

    /// A box of Float32 values `[z][y][x]`.
    private struct Field {
        let (z, y, x): (Range<Int>, Range<Int>, Range<Int>)
        let values: UnsafeMutablePointer<Float>

        init(_ z: Range<Int>, _ y: Range<Int>, _ x: Range<Int>) {
            (self.z, self.y, self.x) = (z, y, x)
            values = .allocate(capacity: z.count * y.count * x.count)
        }

        @inline(__always)
        func row(_ z: Int, _ y: Int) -> UnsafeMutablePointer<Float> {
            values + ((z &- self.z.lowerBound) &* self.y.count &+ (y &- self.y.lowerBound)) &* x.count
        }
    }

    /// Whether rows `[z][y]` have something.
    private struct Rows {
        let (z, y): (Range<Int>, Range<Int>)
        var flags: [Bool]

        init(_ z: Range<Int>, _ y: Range<Int>) {
            (self.z, self.y) = (z, y)
            flags = [Bool](repeating: false, count: z.count * y.count)
        }

        subscript(z: Int, y: Int) -> Bool {
            get { flags[(z - self.z.lowerBound) * self.y.count + y - self.y.lowerBound] }
            set { flags[(z - self.z.lowerBound) * self.y.count + y - self.y.lowerBound] = newValue }
        }

        /// Whether a row that is at most so far away has something.
        func any(_ z: Int, _ y: Int, within reach: (z: Int, y: Int)) -> Bool {
            for slice in (z - reach.z..<z + reach.z + 1).clamped(to: self.z) {
                for row in (y - reach.y..<y + reach.y + 1).clamped(to: self.y) where self[slice, row] { return true }
            }
            return false
        }
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

    // MARK: Distances

    /// Measures a row of the mask: the squared distance in Å² along the row to the nearest voxel of the other kind, negative
    /// outside of the mask.
    ///
    /// - Parameters:
    ///   - columns: the voxels that count.
    ///   - target: gets the voxels of `wanted`.
    /// - Returns: whether there is foreground.
    private func measureRow(
        _ mask: PackedSlice, _ row: Int, _ columns: Range<Int>, into target: UnsafeMutablePointer<Float>, _ wanted: Range<Int>
    ) -> Bool {
        let (within, outside, edge) = (Float(inner * inner), Float(outer * outer), Float(edges.x))
        return mask.words.withUnsafeBufferPointer { words in
            let start = (row &+ 1) &* mask.rowWords
            let ends = (columns.lowerBound + 1) / 64...columns.upperBound / 64
            guard ends.contains(where: { words[start + $0] != 0 }) else {
                for x in 0..<wanted.count { target[x] = -outside }
                return false
            }
            /// The first voxel from x on that is of another kind, or the end.
            func end(ofRunAt x: Int, isForeground: Bool) -> Int {
                var bit = x &+ 1
                while bit <= columns.upperBound {
                    let word = words[start &+ bit &>> 6]
                    let others = (isForeground ? ~word : word) &>> UInt64(bit & 63)
                    if others != 0 { return min(bit &+ others.trailingZeroBitCount &- 1, columns.upperBound) }
                    bit = (bit | 63) &+ 1
                }
                return columns.upperBound
            }
            var hasForeground = false
            var first = columns.lowerBound
            while first < columns.upperBound {
                let isForeground = words[start &+ (first &+ 1) &>> 6] &>> UInt64((first &+ 1) & 63) & 1 != 0
                let next = end(ofRunAt: first, isForeground: isForeground)
                hasForeground = hasForeground || isForeground
                // The voxels of the other kind before and after the run; far away where there is none.
                let (before, after) = (
                    first == columns.lowerBound ? first - 1_000_000 : first - 1,
                    next == columns.upperBound ? next + 1_000_000 : next
                )
                let limit = isForeground ? within : outside
                for x in (first..<next).clamped(to: wanted) {
                    let away = edge * Float(min(x &- before, after &- x))
                    let square = min(away * away, limit)
                    target[x &- wanted.lowerBound] = isForeground ? square : -square
                }
                first = next
            }
            return hasForeground
        }
    }

    /// Adds an axis to squared distances: for each voxel of a row the least of dᵢ² + kᵢ², over the rows i along the axis, dᵢ
    /// being i's own.
    ///
    /// - Parameters:
    ///   - isNear: whether there is foreground nearby.
    ///   - alongZ: whether the axis is z, or y.
    private func measure(
        _ source: Field, at row: (z: Int, y: Int), isNear: Bool, alongZ: Bool, into target: UnsafeMutablePointer<Float>
    ) {
        let count = source.x.count
        guard isNear else {
            for x in 0..<count { target[x] = -Float(outer * outer) }
            return
        }
        let edge = Float(alongZ ? edges.z : edges.y)
        let (place, ends) = alongZ ? (row.z, source.z) : (row.y, source.y)
        let stride = alongZ ? source.y.count &* count : count
        let here = source.row(row.z, row.y)
        let (below, above) = (place &- ends.lowerBound, ends.upperBound &- 1 &- place)
        func square(_ step: Int) -> Float { Float(step) * edge * (Float(step) * edge) }
        // What is as near as anything counts outside of the mask: for all voxels at once. A voxel of the other kind has the
        // distance 0.
        for x in 0..<count { target[x] = abs(here[x]) }
        let common = alongZ ? outerReach.z : outerReach.y
        for step in 1..<common + 1 {
            let square = square(step)
            for (isThere, offset) in [(step <= below, -step &* stride), (step <= above, step &* stride)] where isThere {
                let other = here + offset
                for x in 0..<count {
                    let signed: Float = here[x] < 0 ? -other[x] : other[x]
                    let candidate = square + (signed > 0 ? signed : 0)
                    target[x] = candidate < target[x] ? candidate : target[x]
                }
            }
        }
        let next = square(common + 1)
        for x in 0..<count {
            if here[x] < 0 {
                target[x] = -target[x]
            } else if next < target[x] {
                var (best, step) = (target[x], common + 1)
                while step <= max(below, above), square(step) < best {
                    if step <= below { best = min(best, square(step) + max(here[x &- step &* stride], 0)) }
                    if step <= above { best = min(best, square(step) + max(here[x &+ step &* stride], 0)) }
                    step &+= 1
                }
                target[x] = best
            }
        }
    }

    /// Continues distances beyond the border of the volume by those within, as a mirror on the border shows them.
    private func extend(
        _ field: Field, from known: (z: Range<Int>, y: Range<Int>, x: Range<Int>), _ active: inout Rows
    ) {
        func mirrored(_ place: Int, _ known: Range<Int>) -> Int {
            let other = place < known.lowerBound ? 2 * known.lowerBound - 1 - place : 2 * known.upperBound - 1 - place
            return known.contains(place) ? place : min(max(other, known.lowerBound), known.upperBound - 1)
        }
        let first = field.x.lowerBound
        for z in known.z {
            for y in known.y {
                let row = field.row(z, y)
                for x in field.x where !known.x.contains(x) { row[x - first] = row[mirrored(x, known.x) - first] }
            }
        }
        for z in field.z {
            for y in field.y where !known.z.contains(z) || !known.y.contains(y) {
                let source = (z: mirrored(z, known.z), y: mirrored(y, known.y))
                field.row(z, y).update(from: field.row(source.z, source.y), count: field.x.count)
                active[z, y] = active[source.z, source.y]
            }
        }
    }

    // MARK: Ridges

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
