/// The number of times that each of the 256 bytes occurs: the histogram of an image of 8 bits, or the voxels of each label.
///
/// Consecutive bytes are counted in four different sets of bins, so that the increments of equal neighbours do not depend on each
/// other.
package struct ByteHistogram: Sendable {
    private var bins = [Int](repeating: 0, count: 4 * 256)

    /// An empty histogram.
    package init() {}

    /// The number of times that each of the 256 bytes was added.
    package var counts: [Int] {
        var counts = [Int](repeating: 0, count: 256)
        for (index, count) in bins.enumerated() { counts[index % 256] += count }
        return counts
    }

    /// Makes the histogram empty again.
    package mutating func reset() {
        bins.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    /// Counts a byte.
    package mutating func add(_ value: UInt8) {
        bins[Int(value)] &+= 1
    }

    /// Counts each of some bytes.
    ///
    /// - Complexity: one pass over them.
    package mutating func add(_ values: UnsafeBufferPointer<UInt8>) {
        bins.withUnsafeMutableBufferPointer { bins in
            let vectorized = values.count & ~3
            for index in stride(from: 0, to: vectorized, by: 4) {
                bins[Int(values[index])] &+= 1
                bins[256 + Int(values[index + 1])] &+= 1
                bins[512 + Int(values[index + 2])] &+= 1
                bins[768 + Int(values[index + 3])] &+= 1
            }
            for index in vectorized..<values.count { bins[Int(values[index])] &+= 1 }
        }
    }
}
