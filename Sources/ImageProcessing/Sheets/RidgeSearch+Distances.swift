import Basics
import Volumes

// The signed distances to the mask's border: squared and along one axis after the other, each adding to the one before (P. F.
// Felzenszwalb, D. P. Huttenlocher, Theory of Computing 8 (2012)), up to a limit that keeps the search short.

extension RidgeSearch {
    /// A box of Float32 values `[z][y][x]`.
    struct Field {
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
    struct Rows {
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

    /// Measures a row of the mask: the squared distance in Å² along the row to the nearest voxel of the other kind, negative
    /// outside of the mask.
    ///
    /// - Parameters:
    ///   - columns: the voxels that count.
    ///   - target: gets the voxels of `wanted`.
    /// - Returns: whether there is foreground.
    func measureRow(
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
    func measure(
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
    func extend(
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
}
