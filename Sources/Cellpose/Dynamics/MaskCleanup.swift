public import Basics
public import ImageProcessing

/// Drops small objects and fills holes: CellPose's `fill_holes_and_remove_small_masks`.
public struct MaskCleanup: Hashable, Sendable {
    /// How objects that are too small are found.
    public enum Counting: String, Codable, CaseIterable, Hashable, Sendable {
        /// By the number of pixels of each label.
        case byLabel
        /// As in CellPose 3.1.1.3, which assumes that labels have no gaps and that there is background. If the small object is
        /// the k-th in order of labels, the object with the label k is dropped; after a gap, which ``FlowErrorCheck`` leaves,
        /// that is another object. With a smallest area of 0, labels of objects that others have swallowed stay unused.
        case cellpose
    }

    /// The smallest number of pixels of an object.
    public let smallestArea: Int
    /// How objects that are too small are found.
    public let counting: Counting

    /// - Parameter smallestArea: the smallest number of pixels of an object; 0 drops none.
    /// - Throws: ``FlowError`` if the area is negative.
    public init(smallestArea: Int = 15, counting: Counting = .byLabel) throws(FlowError) {
        guard smallestArea >= 0 else { throw .parameter("the smallest area of an object", smallestArea, mustBe: "0 or more") }
        self.smallestArea = smallestArea
        self.counting = counting
    }

    /// The objects that are large enough, with their holes filled, numbered 1 … n in the order of their first pixels in a raster
    /// scan.
    ///
    /// Small objects are dropped first. Then holes are filled object by object, in ascending order of labels; a hole is
    /// everything that an object encloses, other objects included. Last, objects of which too few pixels are left are dropped.
    ///
    /// - Complexity: linear in the pixels of the boxes around objects.
    public func callAsFunction(_ labels: Image<Int32>) -> Image<Int32> { withoutSmall(filled(withoutSmall(labels))) }

    /// The label image without small objects, renumbered.
    private func withoutSmall(_ labels: Image<Int32>) -> Image<Int32> {
        if counting == .cellpose && smallestArea == 0 { return labels }
        let objects = LabelledObject.all(in: labels)
        let small: Set<Int32> =
            switch counting {
            case .byLabel: Set(objects.filter { $0.area < smallestArea }.map(\.label))
            case .cellpose: Set(smallPlaces(objects, hasBackground: labels.values.contains(0)))
            }
        return labels.renumbered { small.contains($0) }
    }

    /// The positions of small objects among the objects, counted from 1. Without background, CellPose leaves out the first
    /// object.
    private func smallPlaces(_ objects: [LabelledObject], hasBackground: Bool) -> [Int32] {
        objects.dropFirst(hasBackground ? 0 : 1).enumerated().filter { $0.element.area < smallestArea }
            .map { Int32($0.offset + 1) }
    }

    /// The label image with holes filled, and objects numbered 1 … n in order of their labels.
    private func filled(_ labels: Image<Int32>) -> Image<Int32> {
        Image(sizeOf: labels) { result in
            labels.values.withUnsafeBufferPointer { _ = result.initialize(fromContentsOf: $0) }
            for (index, object) in LabelledObject.all(in: labels).enumerated() {
                guard
                    let shape = Mask(
                        height: object.rows.count, width: object.columns.count,
                        values: object.rows.flatMap { y in
                            object.columns.map { x in result[y * labels.width + x] == object.label }
                        })
                else { continue }
                for (pixel, isInside) in shape.holesFilled().values.enumerated() where isInside {
                    let (y, x) = pixel.quotientAndRemainder(dividingBy: shape.width)
                    result[(object.rows.lowerBound + y) * labels.width + object.columns.lowerBound + x] = Int32(index + 1)
                }
            }
        }
    }
}
