import ImageProcessing

/// Finds particles of one diameter in a probability map, which is appended slice by slice ("MP-NMS": DeepETPicker, Liu et al.,
/// *Nature Communications* 2024).
///
/// The map is binarised at ½, and averaged n = ⌊diameter / 4 + 1⌋ times over 5 × 5 × 5 voxels, with zeros outside of the volume.
/// Each voxel above 0.1 that is the maximum of its 5 × 5 × 5 neighbourhood is a peak. Of peaks within diameter / 2 + 1 voxels
/// only the highest is kept (non-maximum suppression). After so many averages the maximum lies at the particle's centre, even if
/// the probabilities were flat or ragged.
///
/// Maximal voxels that touch are one peak, at their mean position. The position of a single maximal voxel is refined along each
/// axis by the vertex of the parabola through it and its two neighbours.
///
/// ```swift
/// var finder = try PeakFinder(height: 1000, width: 1000, diameterInVoxels: 20)
/// for z in 0..<depth { try finder.append(probabilities(z)) }
/// let peaks = finder.finish()
/// ```
///
/// The memory is ``memory(height:width:diameterInVoxels:)`` bytes, and the peaks.
public struct PeakFinder: Sendable {
    /// The expected diameter of the particles.
    public let diameterInVoxels: Double
    private var pooling: PooledSlices
    private var plateaus: PlateauTracker
    private var isFinished = false

    /// The smallest value of the averaged map at a peak.
    static let leastValue: Float = 0.1

    /// The valid diameters in voxels; the largest needs 100 rounds of averaging.
    static let diameters = 1.0...399

    /// - Parameters:
    ///   - height: the number of rows of each slice.
    ///   - width: the number of columns of each slice.
    /// - Throws: ``TrainingError`` if a side is not positive, a slice has more than 2³¹ − 1 voxels, or the diameter is not in 1 …
    ///   399 voxels.
    public init(height: Int, width: Int, diameterInVoxels: Double) throws(TrainingError) {
        guard Self.diameters.contains(diameterInVoxels) else {
            throw TrainingError(
                "particles of a diameter of \(diameterInVoxels) voxels cannot be found; "
                    + "check the voxel size, or bin the tomogram, for 1 to 399")
        }
        guard height >= 1, width >= 1, height.multipliedFullWidth(by: width).high == 0, height * width <= Int(Int32.max) else {
            throw TrainingError("peaks cannot be found in slices of \(width) × \(height) voxels; give 1 to \(Int32.max) voxels")
        }
        self.diameterInVoxels = diameterInVoxels
        pooling = PooledSlices(height: height, width: width, pools: Self.pools(diameterInVoxels))
        plateaus = PlateauTracker(height: height, width: width)
    }

    /// Appends the next slice of probabilities, `[y][x]`. NaN is taken as 0.
    ///
    /// - Throws: ``TrainingError`` if the slice does not have `height * width` values, or ``finish()`` was called.
    /// - Complexity: 12 n additions for each voxel, on the threads of the pool.
    public mutating func append(_ slice: [Float]) throws(TrainingError) {
        try check(slice.count)
        slice.withUnsafeBufferPointer { pooling.append($0) { $0 > 0.5 } }
        track()
    }

    /// Appends the next slice of probabilities, `[y][x]`, in units of 1/255.
    ///
    /// - Throws: ``TrainingError`` if the slice does not have `height * width` values, or ``finish()`` was called.
    /// - Complexity: 12 n additions for each voxel, on the threads of the pool.
    public mutating func append(_ slice: [UInt8]) throws(TrainingError) {
        try check(slice.count)
        slice.withUnsafeBufferPointer { pooling.append($0) { $0 > 127 } }
        track()
    }

    /// Ends the volume and returns its peaks, the highest score first. To get the peaks of the slices so far, call it on a copy.
    public mutating func finish() -> [Peak] {
        maxima().separated(by: diameterInVoxels / 2 + 1)
    }

    /// Ends the volume and returns all peaks, before non-maximum suppression.
    mutating func maxima() -> [Peak] {
        for _ in 0..<(isFinished ? 0 : pooling.delay) {
            pooling.appendNothing()
            track()
        }
        isFinished = true
        return plateaus.peaks(scale: pooling.scale)
    }

    /// The memory of a finder in bytes: 5 n + 8 slices of float32. A copy needs as much again once it is changed.
    ///
    /// - Precondition: the diameter is in 1 … 399 voxels.
    public static func memory(height: Int, width: Int, diameterInVoxels: Double) -> Int {
        (5 * (pools(diameterInVoxels) + 1) + 3) * height * width * MemoryLayout<Float>.size
    }

    /// n, the number of rounds of averaging.
    private static func pools(_ diameter: Double) -> Int { Int(diameter / 4 + 1) }

    private func check(_ count: Int) throws(TrainingError) {
        guard !isFinished else {
            throw TrainingError("a slice was appended after the end of the volume; make another finder for the next volume")
        }
        guard count == pooling.height * pooling.width else {
            throw TrainingError(
                "a slice of \(count) values was appended to slices of \(pooling.width) × \(pooling.height); give a value for each voxel"
            )
        }
    }

    /// Finds the maxima of the slice whose neighbours have just become complete, if there is one.
    private mutating func track() {
        let least = Float(Double(Self.leastValue) / pooling.scale)
        pooling.withPooledNeighbors { z, neighbors in plateaus.add(neighbors, z: z, above: least) }
    }
}

/// A particle found in a probability map.
public struct Peak: Hashable, Sendable {
    /// The centre (x, y, z), in voxels; whole numbers are centres of voxels.
    public var center: SIMD3<Double>
    /// The value of the averaged map at the peak, 0.1 … 1: a weighted share of the voxels around it whose probability exceeds ½.
    public var score: Float

    public init(center: SIMD3<Double>, score: Float) {
        self.center = center
        self.score = score
    }
}

extension [Peak] {
    /// Non-maximum suppression: the peaks that have no higher peak within a distance in voxels, the highest score first.
    ///
    /// Peaks are visited in descending order of score, equal scores in ascending order of z, y and x. A peak is left out if it
    /// lies within the distance of a peak that was kept.
    ///
    /// - Precondition: the distance is positive.
    /// - Complexity: O(n log n) in the number of peaks.
    public func separated(by distance: Double) -> [Peak] {
        precondition(distance > 0, "peaks cannot be \(distance) voxels apart")
        var kept: [Peak] = []
        var places = CellList(distance: distance)
        for peak in sorted(by: { $0.comes(before: $1) }) {
            let isNear = places.near(peak.center).contains { index in
                let offset = kept[index].center - peak.center
                return (offset * offset).sum() <= distance * distance
            }
            guard !isNear else { continue }
            places.add(kept.count, at: peak.center)
            kept.append(peak)
        }
        return kept
    }
}

extension Peak {
    /// Whether it comes before another one: the higher score first, of equal ones the smaller z, then y, then x.
    func comes(before other: Peak) -> Bool {
        guard score == other.score else { return score > other.score }
        let (a, b) = (center, other.center)
        return (a.z, a.y, a.x) < (b.z, b.y, b.x)
    }
}
