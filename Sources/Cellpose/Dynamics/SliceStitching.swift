public import Basics
public import ImageProcessing

/// Joins the objects of consecutive slices into objects of a volume: CellPose's `stitch3D`, slice by slice.
///
/// The overlap of two objects is their intersection over union (IoU). An object can continue an object of the preceding slice if
/// their overlap reaches the threshold, and no other object of its slice overlaps that object more. Of several such objects it
/// continues the one with the largest overlap (of equal ones, that with the smallest label); without any it begins a new object.
/// Only the preceding slice is kept in memory.
///
/// ```swift
/// var stitching = try SliceStitching()
/// for slice in slices { try write(stitching.next(slice)) }
/// ```
public struct SliceStitching: Sendable {
    /// The smallest overlap (IoU) of an object with the one that it continues.
    public let threshold: Double
    /// The number of objects so far.
    public private(set) var count: Int32 = 0
    private var previous: Image<Int32>?

    /// - Throws: ``FlowError`` unless the threshold is in 0 … 1.
    public init(threshold: Double = 0.25) throws(FlowError) {
        guard (0...1).contains(threshold) else {
            throw .parameter("the overlap of objects that are stitched", threshold, mustBe: "in 0 … 1")
        }
        self.threshold = threshold
    }

    /// The labels of the volume for the next slice. New objects get the labels after ``count``, in the order of their labels in
    /// the slice, so that no label of the volume is used twice.
    ///
    /// - Parameter labels: the objects of the slice, `[y][x]`; labels below 1 are background.
    /// - Throws: ``FlowError`` if the size differs from that of the preceding slice, or there are more objects than labels. The
    ///   state does not change then.
    /// - Complexity: linear in the pixels; memory is two slices.
    public mutating func next(_ labels: Image<Int32>) throws(FlowError) -> Image<Int32> {
        let objects = LabelledObject.all(in: labels)
        let continued = try continuedObjects(objects, in: labels)
        var numbers: [Int32: Int32] = [:]
        var last = count
        for object in objects {
            if let number = continued[object.label] {
                numbers[object.label] = number
            } else {
                guard last < Int32.max else { throw .tooManyObjects }
                last += 1
                numbers[object.label] = last
            }
        }
        let stitched = Image<Int32>(sizeOf: labels) { result in
            result.initialize(repeating: 0)
            labels.forEachRun { label, y, columns in
                let number = numbers[label] ?? 0
                for x in columns { result[y * labels.width + x] = number }
            }
        }
        count = last
        previous = stitched
        return stitched
    }

    /// For each label of the slice whose object continues another: the label in the volume.
    private func continuedObjects(_ objects: [LabelledObject], in labels: Image<Int32>) throws(FlowError) -> [Int32: Int32] {
        guard let previous else { return [:] }
        try labels.requireSize(of: previous, "the slice has", "the one before")
        let areas = Dictionary(uniqueKeysWithValues: objects.map { ($0.label, $0.area) })
        let areasBefore = Dictionary(uniqueKeysWithValues: LabelledObject.all(in: previous).map { ($0.label, $0.area) })
        let overlaps = Self.commonPixels(of: labels, previous).compactMap { pair, common -> Overlap? in
            let union = (areas[pair.label] ?? 0) + (areasBefore[pair.before] ?? 0) - common
            let ratio = Double(common) / Double(union)
            return ratio >= threshold ? Overlap(pair: pair, ratio: ratio) : nil
        }
        var largest: [Int32: Double] = [:]
        for overlap in overlaps { largest[overlap.pair.before] = max(largest[overlap.pair.before] ?? 0, overlap.ratio) }
        var chosen: [Int32: Overlap] = [:]
        for overlap in overlaps where overlap.ratio == largest[overlap.pair.before] {
            if let other = chosen[overlap.pair.label], (other.ratio, overlap.pair.before) > (overlap.ratio, other.pair.before) {
                continue
            }
            chosen[overlap.pair.label] = overlap
        }
        return chosen.mapValues(\.pair.before)
    }

    /// The labels of two objects, one of the slice and one of the preceding slice.
    private struct Pair: Hashable {
        var label: Int32
        var before: Int32
    }

    private struct Overlap {
        var pair: Pair
        var ratio: Double
    }

    /// For each pair of objects that overlap, the number of pixels in both.
    private static func commonPixels(of labels: Image<Int32>, _ previous: Image<Int32>) -> [Pair: Int] {
        var common: [Pair: Int] = [:]
        labels.forEachRun { label, y, columns in
            for x in columns {
                let before = previous.values[y * labels.width + x]
                if before > 0 { common[Pair(label: label, before: before), default: 0] += 1 }
            }
        }
        return common
    }
}
