public import Basics
import Foundation

/// The particles of a slab, and the mapping from the instances of its slices to them: the result of ``InstanceLinking``.
public struct LinkedInstances: Sendable, Hashable {
    /// The particles, in the order of their identifiers 1, 2, …
    public let objects: [LinkedObject]
    /// The number of tracks that are not particles, for each reason.
    public let rejections: [LinkingRules.Rejection: Int]
    /// The identifier of the particle of each instance, `[slice][label]`; 0 where the instance belongs to no particle.
    public let tables: [[Int32]]

    /// A slice of the label volume of particles, `[y][x]`: each label is replaced by the identifier of its particle, or 0.
    ///
    /// - Parameter labels: the labels that were appended as this slice.
    /// - Throws: ``ImageError`` where there is no such slice.
    /// - Complexity: one pass over the pixels.
    public func identifiers(_ labels: Image<Int32>, slice: Int) throws(ImageError) -> Image<Int32> {
        guard tables.indices.contains(slice) else {
            throw .parameter("the slice", slice, mustBe: "one of the \(tables.count) that were linked")
        }
        return labels.relabelled(by: tables[slice])
    }
}

/// A particle in three dimensions, made of instances of consecutive slices.
///
/// Coordinates are in voxels; the centre of the slab's first voxel is (0, 0, 0), and z is the slice.
public struct LinkedObject: Sendable, Hashable {
    /// The number of the particle, from 1, in the order of first slices, and within a slice of first instances.
    public let identifier: Int32
    /// The number of voxels.
    public let voxelCount: Int
    /// The mean x of the voxels.
    public let x: Double
    /// The mean y of the voxels.
    public let y: Double
    /// The mean z of the voxels.
    public let z: Double
    /// The columns of the bounding box.
    public let boxX: Range<Int>
    /// The rows of the bounding box.
    public let boxY: Range<Int>
    /// The slices of the bounding box.
    public let boxZ: Range<Int>
    /// The number of slices with an instance of the particle; fewer than in `boxZ` where slices were missed.
    public let sliceCount: Int
    /// The diameter in voxels of the disc with the area of the largest section.
    public let largestDiameter: Double
    /// Whether the particle touches the first or the last slice of the slab, so that a part of it may be missing.
    public let isCutOff: Bool
    /// The similarity to a ball that is segmented in every slice, 0 … 1: the cube root of the product of
    /// * the smaller divided by the larger of two volumes, its own and that of a ball of ``largestDiameter`` (1 where
    ///   ``isCutOff``),
    /// * the mean overlap of consecutive instances, each as a fraction of the area of the smaller,
    /// * the number of slices with an instance divided by the number of slices in `boxZ`.
    public let confidence: Double

    /// The radius in voxels of the ball with the same volume.
    public var radius: Double { LinkedObject.ballDiameter(volume: Double(voxelCount)) / 2 }

    /// The particle made of one or more pieces, in a slab of `sliceCount` slices.
    init(identifier: Int32, of parts: [InstanceTrack], sliceCount: Int) {
        let sections = parts.flatMap(\.sections)
        let volume = Double(sections.reduce(0) { $0 + $1.shape.area })
        func mean(_ value: (InstanceTrack.Section) -> Double) -> Double {
            sections.reduce(0) { $0 + Double($1.shape.area) * value($1) } / volume
        }
        func hull(_ range: (InstanceTrack.Section) -> Range<Int>) -> Range<Int> {
            let ranges = sections.map(range)
            return (ranges.map(\.lowerBound).min() ?? 0)..<(ranges.map(\.upperBound).max() ?? 0)
        }
        self.identifier = identifier
        voxelCount = Int(volume)
        (x, y, z) = (mean(\.shape.x), mean(\.shape.y), mean { Double($0.slice) })
        boxX = hull(\.shape.box.x)
        boxY = hull(\.shape.box.y)
        boxZ = hull { $0.slice..<$0.slice + 1 }
        // Several pieces of one particle may lie in the same slice; their areas are added.
        let areas = Dictionary(sections.map { ($0.slice, $0.shape.area) }, uniquingKeysWith: +)
        self.sliceCount = areas.count
        largestDiameter = (4 * Double(areas.values.max() ?? 0) / .pi).squareRoot()
        isCutOff = boxZ.lowerBound == 0 || boxZ.upperBound == sliceCount
        let ball = .pi / 6 * largestDiameter * largestDiameter * largestDiameter
        let likeness = isCutOff ? 1 : min(volume, ball) / max(volume, ball)
        let overlaps = sections.compactMap(\.overlap)
        let overlap = overlaps.isEmpty ? 1 : overlaps.reduce(0, +) / Double(overlaps.count)
        confidence = cbrt(likeness * overlap * Double(areas.count) / Double(boxZ.count))
    }

    /// The diameter of the ball of a volume.
    static func ballDiameter(volume: Double) -> Double { cbrt(6 * volume / .pi) }
}
