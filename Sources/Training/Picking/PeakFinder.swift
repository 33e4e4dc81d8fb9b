/// Finds particles of one diameter in a map of probabilities that arrives slice by slice.
///
/// The map is binarised at ½ and averaged over 5 × 5 × 5 voxels n = ⌊diameter / 4 + 1⌋ times, zeros beyond its faces; then
/// each voxel above 0.1 that is nowhere exceeded within 5 × 5 × 5 voxels is a peak, and of peaks within diameter / 2 + 1
/// voxels the highest counts ("MP-NMS": DeepETPicker, Liu et al., *Nature Communications* 2024). Averaged so often, a
/// particle has its maximum where its middle is, however flat or ragged the probabilities were.
///
/// Maximal voxels that touch are one peak, at their mean; a single one is refined by the parabola through its neighbours
/// along each axis.
///
/// ```swift
/// var finder = try PeakFinder(height: 1000, width: 1000, diameterInVoxels: 20)
/// for z in 0..<depth { try finder.append(probabilities(z)) }
/// let peaks = finder.finish()
/// ```
///
/// In memory are ``memory(height:width:diameterInVoxels:)`` bytes, and the peaks.
public struct PeakFinder: Sendable {
    /// The expected diameter.
    public let diameterInVoxels: Double
    private var pooling: PooledSlices
    private var plateaus: PlateauTracker
    private var isFinished = false

    /// The least value of the averaged map at a peak.
    static let leastValue: Float = 0.1

    /// The widest diameter: 100 rounds of averaging.
    static let diameters = 1.0...399

    /// - Throws: ``TrainingError`` where a side is not positive, or the diameter outside 1 … 399 voxels.
    public init(height: Int, width: Int, diameterInVoxels: Double) throws(TrainingError) {
        guard Self.diameters.contains(diameterInVoxels) else {
            throw TrainingError(
                "particles of a diameter of \(diameterInVoxels) voxels cannot be found; 1 … 399 voxels can: check the voxel "
                    + "size, or bin the tomogram")
        }
        guard height >= 1, width >= 1, height.multipliedFullWidth(by: width).high == 0, height * width <= Int(Int32.max) else {
            throw TrainingError("peaks cannot be found in slices of \(width) × \(height) voxels")
        }
        self.diameterInVoxels = diameterInVoxels
        pooling = PooledSlices(height: height, width: width, pools: Self.pools(diameterInVoxels))
        plateaus = PlateauTracker(height: height, width: width)
    }

    /// Takes the next slice of probabilities, `[y][x]`. NaN counts as 0.
    ///
    /// - Throws: ``TrainingError`` where it is not `height * width` values, or the volume has ended.
    /// - Complexity: 12 n additions a voxel, on the threads of the pool.
    public mutating func append(_ slice: [Float]) throws(TrainingError) {
        try check(slice.count)
        slice.withUnsafeBufferPointer { pooling.append($0) { $0 > 0.5 } }
        track()
    }

    /// Takes the next slice of probabilities, `[y][x]`, of which 255 is 1.
    ///
    /// - Throws: ``TrainingError`` where it is not `height * width` values, or the volume has ended.
    public mutating func append(_ slice: [UInt8]) throws(TrainingError) {
        try check(slice.count)
        slice.withUnsafeBufferPointer { pooling.append($0) { $0 > 127 } }
        track()
    }

    /// Ends the volume and returns its peaks, the best first. To know those of the slices so far, ask a copy.
    public mutating func finish() -> [Peak] {
        maxima().separated(by: diameterInVoxels / 2 + 1)
    }

    /// Ends the volume: the peaks before those that are too near to a better one are left out.
    mutating func maxima() -> [Peak] {
        for _ in 0..<(isFinished ? 0 : pooling.delay) {
            pooling.appendNothing()
            track()
        }
        isFinished = true
        return plateaus.peaks(scale: pooling.scale)
    }

    /// How many bytes a finder needs for slices of so many voxels: 5 n + 8 slices of float32. A copy that goes another way
    /// needs as much again.
    ///
    /// - Precondition: a diameter in 1 … 399.
    public static func memory(height: Int, width: Int, diameterInVoxels: Double) -> Int {
        (5 * (pools(diameterInVoxels) + 1) + 3) * height * width * MemoryLayout<Float>.size
    }

    private static func pools(_ diameter: Double) -> Int { Int(diameter / 4 + 1) }

    private func check(_ count: Int) throws(TrainingError) {
        guard !isFinished else { throw TrainingError("a slice was appended after the end of the volume") }
        guard count == pooling.height * pooling.width else {
            throw TrainingError(
                "a slice of \(count) values was appended to slices of \(pooling.width) × \(pooling.height)")
        }
    }

    /// Looks for maxima in the slice that now has all its neighbours.
    private mutating func track() {
        let least = Float(Double(Self.leastValue) / pooling.scale)
        pooling.withPooledNeighbors { z, neighbors in plateaus.add(neighbors, z: z, above: least) }
    }
}

/// A particle that was found.
public struct Peak: Hashable, Sendable {
    /// Its centre (x, y, z), in voxels; whole numbers are centres of voxels.
    public var center: SIMD3<Double>
    /// How full of the class its neighbourhood is, 0.1 … 1: the value of the pooled map.
    public var score: Float

    public init(center: SIMD3<Double>, score: Float) {
        self.center = center
        self.score = score
    }
}

extension [Peak] {
    /// Those that have no better peak within a distance, the best first.
    ///
    /// Peaks are taken in falling order of score, equal ones in order of z, y and x; one is left out if it lies within the
    /// distance of one that was kept.
    ///
    /// - Precondition: a positive distance in voxels.
    /// - Complexity: n log n.
    public func separated(by distance: Double) -> [Peak] {
        precondition(distance > 0, "peaks cannot be \(distance) voxels apart")
        var kept: [Peak] = []
        var cells: [SIMD3<Int>: [Int]] = [:]
        for peak in sorted(by: { $0.comes(before: $1) }) {
            let scaled = (peak.center / distance).rounded(.down)
            let cell = SIMD3(Int(scaled.x), Int(scaled.y), Int(scaled.z))
            let isNear = (-1...1).contains { dz in
                (-1...1).contains { dy in
                    (-1...1).contains { dx in
                        (cells[cell &+ SIMD3(dx, dy, dz)] ?? []).contains { index in
                            let offset = kept[index].center - peak.center
                            return (offset * offset).sum() <= distance * distance
                        }
                    }
                }
            }
            guard !isNear else { continue }
            cells[cell, default: []].append(kept.count)
            kept.append(peak)
        }
        return kept
    }
}

extension Peak {
    fileprivate func comes(before other: Peak) -> Bool {
        guard score == other.score else { return score > other.score }
        let (a, b) = (center, other.center)
        return (a.z, a.y, a.x) < (b.z, b.y, b.x)
    }
}
