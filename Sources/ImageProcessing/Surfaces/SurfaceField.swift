import Basics

/// The values of which a surface is drawn, slice by slice: those of a volume, binned, and smoothed by a Gaussian.
///
/// A binned voxel has the mean of its voxels; what lies beyond the end of the volume counts as 0. The Gaussian is cut off at 3 σ,
/// and continues the outermost voxels beyond the border.
///
/// - Complexity: two additions and multiplications for each binned voxel and weight. Memory is one binned slice of float32 for
///   each weight along z, and three more.
struct SurfaceField {
    /// The rows and columns of binned slices.
    let height: Int
    let width: Int

    private let binning: Int
    private let sourceHeight: Int
    private let sourceWidth: Int
    /// The weights along x, y, z, an odd number each.
    private let weights: (x: [Float], y: [Float], z: [Float])

    /// The sums of the slices of the next binned one, and how many there are.
    private var sums: [Float]
    private var summed = 0
    /// The last slices, smoothed along x and y, nil for one of zeros; and how many there were before them.
    private var ring: [[Float]?] = []
    private var dropped = 0
    /// How many slices were given out.
    private var given = 0

    /// The binned slices that are in memory, beside the one that is being summed.
    var keptSlices: Int { ring.count }

    /// - Parameters:
    ///   - height: the rows of a slice.
    ///   - width: its columns.
    ///   - binning: the voxels along each axis whose mean is taken.
    ///   - deviations: σ along x, y, z, in binned voxels; an axis with less than 0.05 is not smoothed.
    /// - Throws: ``ImageError`` where a σ is more than 1000.
    /// - Precondition: height, width and binning are positive.
    init(height: Int, width: Int, binning: Int, deviations: SIMD3<Double>) throws(ImageError) {
        precondition(height > 0 && width > 0 && binning > 0, "a slice has at least one voxel")
        (sourceHeight, sourceWidth, self.binning) = (height, width, binning)
        (self.height, self.width) = ((height + binning - 1) / binning, (width + binning - 1) / binning)
        weights = (
            try Self.weights(deviations.x), try Self.weights(deviations.y), try Self.weights(deviations.z)
        )
        sums = [Float](repeating: 0, count: self.height * self.width)
    }

    private static func weights(_ deviation: Double) throws(ImageError) -> [Float] {
        guard deviation >= 0.05 else { return [1] }
        return try GaussianKernel(sigma: deviation, radius: Int((3 * deviation).rounded(.up))).weights
    }

    /// Takes the next slice of the volume, and gives the next slices of the result to a closure, none or one.
    ///
    /// - Parameter slice: the values `[y][x]`.
    /// - Precondition: it has the size that was given.
    mutating func add(_ slice: [Float], _ give: ([Float]) -> Void) {
        precondition(slice.count == sourceHeight * sourceWidth, "a slice has the size that was given")
        let (binning, width, sourceWidth, sourceHeight) = (binning, width, sourceWidth, sourceHeight)
        sums.withUnsafeMutableBufferPointer { sums in
            slice.withUnsafeBufferPointer { slice in
                for y in 0..<sourceHeight {
                    let (row, target) = (y * sourceWidth, y / binning * width)
                    if binning == 1 {
                        for x in 0..<sourceWidth { sums[target + x] += slice[row + x] }
                    } else {
                        for x in 0..<width {
                            var sum: Float = 0
                            for source in row + x * binning..<row + min((x + 1) * binning, sourceWidth) { sum += slice[source] }
                            sums[target + x] += sum
                        }
                    }
                }
            }
        }
        summed += 1
        if summed == binning { smoothSums(give) }
    }

    /// Gives the slices that are left after the last one.
    mutating func finish(_ give: ([Float]) -> Void) {
        if summed > 0 { smoothSums(give) }
        let total = dropped + ring.count
        while given < total { giveNext(give) }
    }

    /// Smooths the binned slice along x and y, and gives the slice for which it is the last one that counts.
    private mutating func smoothSums(_ give: ([Float]) -> Void) {
        if sums.contains(where: { $0 != 0 }) {
            let factor = 1 / Float(binning * binning * binning)
            var slice = sums
            for index in slice.indices { slice[index] *= factor }
            ring.append(smoothed(slice))
            for index in sums.indices { sums[index] = 0 }
        } else {
            ring.append(nil)
        }
        summed = 0
        if dropped + ring.count > given + weights.z.count / 2 { giveNext(give) }
    }

    private mutating func giveNext(_ give: ([Float]) -> Void) {
        let radius = weights.z.count / 2
        let last = dropped + ring.count - 1
        var result = [Float](repeating: 0, count: height * width)
        for (index, weight) in weights.z.enumerated() {
            let z = min(max(given + index - radius, 0), last)
            guard let slice = ring[z - dropped] else { continue }
            result.withUnsafeMutableBufferPointer { Self.add(slice, at: 0, weight, to: $0) }
        }
        give(result)
        given += 1
        // The slices before the first one that the next result needs.
        let unneeded = max(0, given - radius) - dropped
        if unneeded > 0 {
            ring.removeFirst(unneeded)
            dropped += unneeded
        }
    }

    private func smoothed(_ slice: [Float]) -> [Float] {
        let (height, width) = (height, width)
        var result = slice
        if weights.x.count > 1 {
            let radius = weights.x.count / 2
            var line = [Float](repeating: 0, count: width + 2 * radius)
            result.withUnsafeMutableBufferPointer { result in
                for y in 0..<height {
                    let row = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width])
                    for index in line.indices { line[index] = row[min(max(index - radius, 0), width - 1)] }
                    row.update(repeating: 0)
                    for (shift, weight) in weights.x.enumerated() { Self.add(line, at: shift, weight, to: row) }
                }
            }
        }
        guard weights.y.count > 1 else { return result }
        let radius = weights.y.count / 2
        var columns = [Float](repeating: 0, count: slice.count)
        columns.withUnsafeMutableBufferPointer { columns in
            for y in 0..<height {
                let row = UnsafeMutableBufferPointer(rebasing: columns[y * width..<(y + 1) * width])
                for (shift, weight) in weights.y.enumerated() {
                    Self.add(result, at: min(max(y + shift - radius, 0), height - 1) * width, weight, to: row)
                }
            }
        }
        return columns
    }

    /// Adds the values from a place on, times a weight, to a row.
    private static func add(_ values: [Float], at first: Int, _ weight: Float, to row: UnsafeMutableBufferPointer<Float>) {
        values.withUnsafeBufferPointer { values in
            let source = UnsafeBufferPointer(rebasing: values[first..<first + row.count])
            for x in 0..<row.count { row[x] += weight * source[x] }
        }
    }
}
