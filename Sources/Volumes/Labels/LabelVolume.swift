/// A volume of labels: a whole number for each voxel, 0 for ground.
///
/// Any type of voxels is read, floating-point ones where they are whole numbers. Two things may stand between the voxels of a file
/// and its labels:
///
/// - **IMOD stores bytes minus 128**, so that its mask of 0 and 1 has the voxels −128 and −127. The 128 is added where IMOD's header
///   says that it wrote signed bytes, and a voxel is −128: what IMOD calls 0. ``notes`` says so.
/// - **A threshold** makes a mask of a score map: 1 where the value is at least the threshold, and else 0. It applies after the 128.
public struct LabelVolume: Sendable {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    /// What is added to each voxel; 128 for IMOD's bytes, else 0.
    public let offset: Int64
    /// The least value that is in the mask; nil where each value is a label.
    public let threshold: Double?
    /// How the voxels were understood, a sentence each; empty where they are labels as they are.
    public let notes: [String]

    private let volume: any Volume

    /// What ``slice(_:)`` gives for a voxel that is no whole number: a fraction, NaN, infinite or beyond `Int64`.
    public static let noLabel = Int64.min

    /// - Parameter threshold: nil where each value is a label.
    /// - Throws: ``VolumeError`` where the voxels of a file by IMOD cannot be read.
    /// - Complexity: reads nothing, but for signed bytes by IMOD: the slices up to the first voxel of −128.
    public init(_ volume: any Volume, threshold: Double? = nil) throws(VolumeError) {
        self.volume = volume
        self.threshold = threshold
        shape = volume.shape
        scalarType = volume.scalarType
        var isShifted = false
        if (volume as? MRCVolume)?.isShiftedByIMOD == true {
            for z in 0..<volume.shape.z where !isShifted {
                isShifted = try volume.readSlice(z: z).bytes.contains(UInt8(bitPattern: .min))
            }
        }
        offset = isShifted ? 128 : 0
        notes = isShifted ? ["IMOD stored the bytes minus 128: −128 is read as 0, −127 as 1."] : []
    }

    /// The labels of a slice, `[y][x]`; ``noLabel`` where a voxel is no whole number.
    ///
    /// - Throws: ``VolumeError`` where there is no such slice, or it cannot be read.
    /// - Complexity: reads the slice; eight bytes for each voxel.
    public func slice(_ z: Int) throws(VolumeError) -> [Int64] {
        let slice = try volume.readSlice(z: z)
        if let threshold {
            let shift = Double(offset)
            return slice.doubles().map { $0 + shift >= threshold ? 1 : 0 }
        }
        return slice.wholeNumbers(absent: Self.noLabel, adding: offset)
    }

    /// The labels that occur, with their numbers of voxels. Stops at the first voxel that is no whole number, and where there are more
    /// than 2²⁰ labels.
    ///
    /// - Throws: ``VolumeError`` where a slice cannot be read.
    /// - Complexity: one pass over the voxels.
    public func survey() throws(VolumeError) -> LabelSurvey {
        var survey = LabelSurvey()
        for z in 0..<shape.z where survey.isComplete { survey.add(try slice(z)) }
        return survey
    }
}

/// The labels that occur in a volume.
public struct LabelSurvey: Sendable, Hashable {
    /// The number of voxels of each label, 0 included.
    public private(set) var counts: [Int64: Int] = [:]
    /// Whether a voxel is no whole number.
    public private(set) var hasFractions = false
    /// Whether there are more labels than are counted.
    public private(set) var isOverfull = false

    /// The most labels that are counted.
    private static let limit = 1 << 20
    /// The most values beside the classes that a volume of classes has. One with more holds scores or numbered objects: a score map of
    /// bytes has more than a hundred.
    private static let otherLimit = 64

    init() {}

    var isComplete: Bool { !hasFractions && !isOverfull }

    /// All labels that occur; nil where a voxel is no whole number, or there are too many.
    public var labels: [Int64]? { isComplete ? Array(counts.keys) : nil }

    /// The labels that are neither ground nor one of the given classes, ascending.
    public func others(besides classes: some Sequence<Int64>) -> [Int64] {
        let known = Set(classes).union([0])
        return counts.keys.filter { !known.contains($0) }.sorted()
    }

    /// Why the voxels are no labels of the given classes, as the end of a sentence; nil where they may be.
    public func complaint(classes: some Sequence<Int64>) -> String? {
        if hasFractions { return "has voxels that are no whole numbers" }
        let count = others(besides: classes).count
        guard isOverfull || count > Self.otherLimit else { return nil }
        return "has \(isOverfull ? "more than \(Self.limit)" : "\(count)") values that are no class"
    }

    mutating func add(_ labels: [Int64]) {
        // Neighbouring voxels mostly have the same label, and a look-up in a dictionary is slow.
        var index = labels.startIndex
        while index < labels.endIndex {
            let label = labels[index]
            var end = index + 1
            while end < labels.endIndex, labels[end] == label { end += 1 }
            guard label != LabelVolume.noLabel else {
                hasFractions = true
                return
            }
            counts[label, default: 0] += end - index
            index = end
            guard counts.count <= Self.limit else {
                isOverfull = true
                return
            }
        }
    }
}
