internal import Tensors

/// The averages over 5 × 5 × 5 voxels, taken several times, of a volume of zeros and ones that arrives slice by slice.
///
/// Beyond the volume's faces every round of averaging sees zeros. Sums along different axes can be taken in any order, so
/// each slice is summed along x and y as it arrives, all rounds at a time, and then passes through one round along z after
/// the other; each round holds five slices, and is two slices late.
///
/// Five values are added symmetrically, ((a + e) + (b + d)) + c, and the sum is taken times ¼ instead of ⅕. Thus values stay
/// whole multiples of a power of two as long as they have 24 bits, maxima that are equal are found equal, and a mirrored
/// volume has mirrored sums in every bit. ``scale`` makes averages of them.
///
/// ```
/// slices[round 0 … n][slot z mod 5][y][x]
/// ```
struct PooledSlices: Sendable {
    let height: Int
    let width: Int
    /// n, the rounds.
    let pools: Int
    private var slices: [Float]
    /// The number of slices that arrived.
    private var depth = 0
    /// That number, and how often nothing arrived since.
    private var ticks = 0

    /// Zeros, for the slices that are none.
    private static let zeros = [Float](repeating: 0, count: chunk)
    /// How many voxels pass along z at a time: all rounds of them fit the cache of a core for few rounds.
    private static let chunk = 4096
    /// How many columns are summed along y at a time.
    private static let strip = 32

    init(height: Int, width: Int, pools: Int) {
        self.height = height
        self.width = width
        self.pools = pools
        slices = [Float](repeating: 0, count: (pools + 1) * 5 * height * width)
    }

    /// What a sum is to be multiplied with to be an average: (⅘)³ⁿ.
    var scale: Double {
        var scale = 1.0
        for _ in 0..<3 * pools { scale *= 0.8 }
        return scale
    }

    /// How many more slices must arrive until the neighbours of the last one are pooled.
    var delay: Int { 2 * pools + 2 }

    private var count: Int { height * width }

    /// Takes a slice, `[y][x]`, of ones where the closure says so and zeros.
    mutating func append<Value>(_ slice: UnsafeBufferPointer<Value>, isOne: (Value) -> Bool) {
        precondition(slice.count == count && ticks == depth, "a slice that does not follow the others")
        let (height, width, pools) = (height, width, pools)
        let slot = depth % 5 * count
        slices.withUnsafeMutableBufferPointer { slices in
            guard let values = slice.baseAddress, let target = slices.baseAddress.map({ $0 + slot }) else { return }
            let rows = 32
            Threads.perform((height + rows - 1) / rows) { chunk in
                // Two zeros on either side.
                var row = [Float](repeating: 0, count: width + 4)
                var next = row
                for y in chunk * rows..<min(chunk * rows + rows, height) {
                    Self.sumRow(values + y * width, isOne: isOne, rounds: pools, &row, &next, into: target + y * width)
                }
            }
            Threads.perform((width + Self.strip - 1) / Self.strip) { strip in
                let columns = strip * Self.strip..<min((strip + 1) * Self.strip, width)
                Self.sumColumns(target + columns.lowerBound, columns.count, height: height, width: width, rounds: pools)
            }
        }
        depth += 1
        ticks += 1
        sumAlongZ()
    }

    /// Passes what there is on by a slice, as if the next were beyond the volume.
    mutating func appendNothing() {
        ticks += 1
        sumAlongZ()
    }

    /// Calls the body with the number of the slice whose neighbours have become known, if there is one, and with the sums of
    /// the slices z − 2 … z + 2, nil for those beyond the volume.
    func withPooledNeighbors(_ body: (Int, [UnsafePointer<Float>?]) -> Void) {
        let z = ticks - 1 - delay
        guard z >= 0, z < depth else { return }
        slices.withUnsafeBufferPointer { slices in
            guard let base = slices.baseAddress.map({ $0 + pools * 5 * count }) else { return }
            body(z, (z - 2...z + 2).map { (0..<depth).contains($0) ? base + $0 % 5 * count : nil })
        }
    }

    /// All rounds along x, of one row.
    @inline(__always)
    private static func sumRow<Value>(
        _ values: UnsafePointer<Value>, isOne: (Value) -> Bool, rounds: Int, _ row: inout [Float], _ next: inout [Float],
        into target: UnsafeMutablePointer<Float>
    ) {
        let width = row.count - 4
        var hasOnes = false
        for x in 0..<width {
            let one = isOne(values[x])
            row[x + 2] = one ? 1 : 0
            hasOnes = hasOnes || one
        }
        if hasOnes {
            for _ in 0..<rounds {
                row.withUnsafeBufferPointer { from in
                    next.withUnsafeMutableBufferPointer { to in
                        guard let from = from.baseAddress, let to = to.baseAddress else { return }
                        sumFive(from, from + 1, from + 2, from + 3, from + 4, into: to + 2, width)
                    }
                }
                swap(&row, &next)
            }
        }
        row.withUnsafeBufferPointer { from in
            if let from = from.baseAddress { target.update(from: from + 2, count: width) }
        }
    }

    /// All rounds along y, of some neighbouring columns, in place.
    private static func sumColumns(
        _ columns: UnsafeMutablePointer<Float>, _ count: Int, height: Int, width: Int, rounds: Int
    ) {
        // Two rows of zeros above and below.
        var strip = [Float](repeating: 0, count: (height + 4) * count)
        var next = strip
        var hasSums = false
        for y in 0..<height {
            for x in 0..<count {
                let value = columns[y * width + x]
                strip[(y + 2) * count + x] = value
                hasSums = hasSums || value != 0
            }
        }
        guard hasSums else { return }
        for _ in 0..<rounds {
            strip.withUnsafeBufferPointer { from in
                next.withUnsafeMutableBufferPointer { to in
                    guard let from = from.baseAddress, let to = to.baseAddress else { return }
                    // The strip is dense: one pass over all its rows.
                    sumFive(
                        from, from + count, from + 2 * count, from + 3 * count, from + 4 * count, into: to + 2 * count,
                        height * count)
                }
            }
            swap(&strip, &next)
        }
        for y in 0..<height {
            for x in 0..<count { columns[y * width + x] = strip[(y + 2) * count + x] }
        }
    }

    /// One slice more of each round along z, from the slices of the round before.
    private mutating func sumAlongZ() {
        let (count, pools, depth, last) = (count, pools, depth, ticks - 1)
        slices.withUnsafeMutableBufferPointer { slices in
            guard let base = slices.baseAddress else { return }
            Self.zeros.withUnsafeBufferPointer { zeros in
                guard let zeros = zeros.baseAddress else { return }
                Threads.perform((count + Self.chunk - 1) / Self.chunk) { chunk in
                    let start = chunk * Self.chunk
                    let length = min(Self.chunk, count - start)
                    for round in 0..<pools {
                        let z = last - 2 * (round + 1)
                        guard z >= 0 else { break }
                        guard z < depth else { continue }
                        let ring = base + round * 5 * count + start
                        func slice(_ z: Int) -> UnsafePointer<Float> {
                            z >= 0 && z < depth ? UnsafePointer(ring + z % 5 * count) : zeros
                        }
                        Self.sumFive(
                            slice(z - 2), slice(z - 1), slice(z), slice(z + 1), slice(z + 2),
                            into: ring + 5 * count + z % 5 * count, length)
                    }
                }
            }
        }
    }

    /// target[i] = ¼ (a[i] + b[i] + c[i] + d[i] + e[i])
    @inline(__always)
    private static func sumFive(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafePointer<Float>, _ d: UnsafePointer<Float>,
        _ e: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        for i in 0..<count { target[i] = (((a[i] + e[i]) + (b[i] + d[i])) + c[i]) * 0.25 }
    }
}
