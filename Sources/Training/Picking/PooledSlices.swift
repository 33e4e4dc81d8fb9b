internal import Tensors

/// Repeated averages over 5 × 5 × 5 voxels of a binary volume, which is appended slice by slice.
///
/// Every round of averaging takes voxels outside of the volume as zeros. Sums along different axes commute. Therefore each slice
/// is first summed along x and y, in all rounds, and then passes through the rounds along z one after the other. Each of these
/// rounds holds five slices and delays the result by two slices.
///
/// Five values are added symmetrically, ((a + e) + (b + d)) + c, and the sum is multiplied by ¼ instead of ⅕. Thus values are
/// exact multiples of a power of two as long as they fit into 24 bits: equal maxima are equal in every bit, and a mirrored volume
/// has mirrored sums in every bit. ``scale`` turns these sums into averages.
///
/// ```
/// slices[round 0 … n][slot z mod 5][y][x]
/// ```
struct PooledSlices: Sendable {
    let height: Int
    let width: Int
    /// n, the number of rounds.
    let pools: Int
    private var slices: [Float]
    /// The number of slices appended so far.
    private var depth = 0
    /// The number of slices appended so far, the empty ones after the end of the volume included.
    private var ticks = 0

    /// Zeros, in place of slices outside of the volume.
    private static let zeros = [Float](repeating: 0, count: chunk)
    /// The number of voxels that a task sums along z. If the rounds are few, the values of all rounds fit into the cache of a
    /// core.
    private static let chunk = 4096
    /// The number of columns that a task sums along y.
    private static let strip = 32

    init(height: Int, width: Int, pools: Int) {
        self.height = height
        self.width = width
        self.pools = pools
        slices = [Float](repeating: 0, count: (pools + 1) * 5 * height * width)
    }

    /// The factor from sums to averages: (⅘)³ⁿ.
    var scale: Double {
        var scale = 1.0
        for _ in 0..<3 * pools { scale *= 0.8 }
        return scale
    }

    /// The number of further slices after which the last slice and its neighbours are averaged: 2n + 2.
    var delay: Int { 2 * pools + 2 }

    private var count: Int { height * width }

    /// Appends a slice, `[y][x]`, which the closure turns into ones (true) and zeros.
    ///
    /// - Complexity: 12 additions for each voxel and round, on the threads of the pool. Rows and columns without ones are
    ///   skipped.
    mutating func append<Value>(_ slice: UnsafeBufferPointer<Value>, isOne: (Value) -> Bool) {
        precondition(slice.count == count && ticks == depth, "a slice that does not follow the others")
        let (height, width, pools) = (height, width, pools)
        let slot = depth % 5 * count
        slices.withUnsafeMutableBufferPointer { slices in
            guard let values = slice.baseAddress, let target = slices.baseAddress.map({ $0 + slot }) else { return }
            let rows = 32
            Threads.perform((height + rows - 1) / rows) { chunk in
                // Two zeros at each end.
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

    /// Appends an empty slice after the end of the volume.
    mutating func appendNothing() {
        ticks += 1
        sumAlongZ()
    }

    /// Calls the body with z and the sums of the slices z − 2 … z + 2, if the last append has completed them for a slice z.
    /// Slices outside of the volume are nil.
    func withPooledNeighbors(_ body: (Int, [UnsafePointer<Float>?]) -> Void) {
        let z = ticks - 1 - delay
        guard z >= 0, z < depth else { return }
        slices.withUnsafeBufferPointer { slices in
            guard let base = slices.baseAddress.map({ $0 + pools * 5 * count }) else { return }
            body(z, (z - 2...z + 2).map { (0..<depth).contains($0) ? base + $0 % 5 * count : nil })
        }
    }

    /// All rounds along x of one row.
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

    /// All rounds along y of some neighbouring columns, in place.
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
                    // The rows of the strip are contiguous, so one call sums all of them.
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

    /// Computes the next slice of each round along z from five slices of the preceding round.
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
