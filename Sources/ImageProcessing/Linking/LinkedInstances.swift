public import Basics
import Foundation

/// The particles of a slab, and which instances of its slices they are made of.
public struct LinkedInstances: Sendable, Hashable {
    /// In the order of their identifiers, which are 1, 2, …
    public let objects: [LinkedObject]
    /// How many tracks were no particles, and why.
    public let rejections: [LinkingRules.Rejection: Int]
    /// For each slice and each label of its instances the identifier of the particle; 0 where it is part of none.
    public let tables: [[Int32]]

    /// A slice's labels, as they were linked, with each instance named by its particle: a slice of a label volume.
    ///
    /// - Throws: ``ImageError`` where no such slice was linked.
    public func identifiers(_ labels: Image<Int32>, slice: Int) throws(ImageError) -> Image<Int32> {
        guard tables.indices.contains(slice) else {
            throw .parameter("the slice", slice, mustBe: "one of the \(tables.count) that were linked")
        }
        return labels.relabelled(by: tables[slice])
    }
}

/// A particle in three dimensions: instances of consecutive slices that belong together.
///
/// Coordinates are in voxels, 0-based, from the centre of the first; z counts the slices of the slab.
public struct LinkedObject: Sendable, Hashable {
    /// From 1, in the order of the first slices, and within one of the first instances.
    public let identifier: Int32
    public let voxelCount: Int
    /// The mean of its voxels' coordinates.
    public let x: Double
    public let y: Double
    public let z: Double
    /// Where its voxels lie.
    public let boxX: Range<Int>
    public let boxY: Range<Int>
    public let boxZ: Range<Int>
    /// The slices in which it has an instance: fewer than those of `boxZ` where some were skipped.
    public let sliceCount: Int
    /// The diameter of the disc that has the area of its largest section.
    public let largestDiameter: Double
    /// Whether it begins in the slab's first slice or ends in its last: a part of it may be missing.
    public let isCutOff: Bool
    /// How much it is like a ball that was segmented alike in all slices, 0 … 1: the cube root of the product of
    /// * the smaller over the larger of its volume and that of a ball of ``largestDiameter`` (1 where ``isCutOff``),
    /// * the mean overlap of its instances in neighbouring slices, as a part of the smaller of the two,
    /// * the slices in which it was found, as a part of those that it spans.
    public let confidence: Double

    /// The radius of the ball of the same volume.
    public var radius: Double { LinkedObject.ballDiameter(volume: Double(voxelCount)) / 2 }

    /// The particle that pieces make up, in a slab of so many slices; there is at least one piece.
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
        // Pieces of one particle lie side by side in a slice.
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

    static func ballDiameter(volume: Double) -> Double { cbrt(6 * volume / .pi) }
}
