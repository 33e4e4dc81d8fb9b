public import Basics

/// Averages boxes around particles of one kind, each of which lies in its own way and has a missing wedge.
///
/// 1. First references are single boxes, drawn at random (``SubvolumeAveragingParameters/restarts``). Up to 48 boxes are aligned to
///    each, and four times to their average. The reference to which all fit best is kept, at a low resolution only.
/// 2. The boxes are split in two halves at random, which from now on have references of their own. Global rounds search all rotations and
///    shifts of a few voxels, and refine the three best; local rounds search near the last result. The score is the
///    correlation over what the box's tilt series measured (constrained cross-correlation: F. Förster et al., J. Struct. Biol. 161
///    (2008)), with frequencies divided by the mean power of the boxes, so that noise weighs the same at all.
/// 3. After each round the transforms of the boxes, turned and moved, are summed and divided by the sum of their turned wedges, one half is
///    aligned to the other, and the correlation of the halves sets the filter of the next round (S. Scheres, S. Chen, *Prevention
///    of overfitting in cryo-EM structure determination*, Nat. Methods 9 (2012)).
///
/// Symmetry is not used, the contrast transfer function is not corrected, boxes of other particles are not sorted out (look at
/// the scores), and the frame of the average is arbitrary unless a reference is given.
///
/// Equal boxes and seeds have equal results, whatever the number of threads.
public struct SubvolumeAverager: Sendable {
    /// The side of the boxes, in voxels.
    public let side: Int
    /// The edge of a voxel, in Å.
    public let voxelSizeInAngstroms: Double
    public let parameters: SubvolumeAveragingParameters

    /// The valid sides of boxes.
    public static let sides = 16...128

    /// - Throws: ``MiningError`` where a parameter is out of its range.
    public init(side: Int, voxelSizeInAngstroms: Double, parameters: SubvolumeAveragingParameters) throws(MiningError) {
        try parameters.check(side: side, voxelSize: voxelSizeInAngstroms, count: 1)
        (self.side, self.voxelSizeInAngstroms, self.parameters) = (side, voxelSizeInAngstroms, parameters)
    }

    /// Averages boxes that are read when they are needed, some twelve times each.
    ///
    /// - Parameters:
    ///   - count: how many boxes there are.
    ///   - reference: densities `[z][y][x]` of a box to align to at first, bright as the boxes are; its frame is that of the average.
    ///     Only its low resolution is used.
    ///   - wedge: what the tilt series of a box did not measure.
    ///   - box: the densities `[z][y][x]` of a box, x fastest, the particle near the voxel side / 2 and bright. It must return the same
    ///     each time. The standard deviations of the boxes are made the same.
    ///   - progress: receives the part that is done, 0 … 1, several times a second to every few seconds; what it throws ends the work.
    /// - Throws: ``MiningError`` where there is no box, or one has another size or a density that is not finite; what `box` and
    ///   `progress` throw.
    /// - Complexity: 0.16 to 0.27 s of a core for a box of 36³ voxels at the defaults, of 200 boxes. Memory is some kB for each box, and for each
    ///   of 16 boxes that are read at once some 200 bytes for each of its voxels.
    public func average(
        count: Int, reference: [Float]? = nil, wedge: (Int) -> MissingWedge, box: (Int) throws -> [Float],
        progress: (Double) throws -> Void = { _ in }
    ) throws -> SubvolumeAverage {
        try parameters.check(side: side, voxelSize: voxelSizeInAngstroms, count: count)
        if let reference { try check(reference, 0) }
        return try withoutActuallyEscaping(box) { box in
            try withoutActuallyEscaping(progress) { progress in
                var rounds = SubvolumeRounds(
                    self, wedges: (0..<count).map(wedge),
                    read: { index in
                        let values = try box(index)
                        try check(values, index)
                        return values
                    }, report: progress)
                return try rounds.run(reference)
            }
        }
    }

    /// Averages boxes that all lie in memory and have the same wedge.
    public func average(
        _ boxes: [[Float]], reference: [Float]? = nil, wedge: MissingWedge, progress: (Double) throws -> Void = { _ in }
    ) throws -> SubvolumeAverage {
        try average(count: boxes.count, reference: reference, wedge: { _ in wedge }, box: { boxes[$0] }, progress: progress)
    }

    private func check(_ box: [Float], _ index: Int) throws(MiningError) {
        guard box.count == side * side * side else { throw .averagedBox(index, box.count, side: side) }
        guard box.allSatisfy({ abs($0) <= 1e15 }) else { throw .averagedDensity(index) }
    }
}
