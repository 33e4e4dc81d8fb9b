public import Basics
public import ImageProcessing

/// Drops small objects and fills holes: CellPose's `fill_holes_and_remove_small_masks`.
public struct MaskCleanup: Hashable, Sendable {
    /// How objects are found that are too small.
    public enum Counting: String, Codable, CaseIterable, Hashable, Sendable {
        /// Each object by its own pixels.
        case byLabel
        /// As CellPose 3.1.1.3 does, which takes for granted that labels have no gaps and that there is background: behind a gap, as
        /// ``FlowErrorCheck`` leaves it, a small object has the object dropped whose label is its place among the labels. Where
        /// nothing is to be dropped, numbers of swallowed objects stay unused.
        case cellpose
    }

    /// The fewest pixels of an object.
    public let smallestArea: Int
    public let counting: Counting

    /// - Parameter smallestArea: 0 drops nothing.
    /// - Throws: ``FlowError`` where the area is negative.
    public init(smallestArea: Int = 15, counting: Counting = .byLabel) throws(FlowError) {
        guard smallestArea >= 0 else { throw .parameter("the smallest area of an object", smallestArea, mustBe: "0 or more") }
        self.smallestArea = smallestArea
        self.counting = counting
    }

    /// The objects that are large enough, with their holes filled, numbered 1 … n in the order in which a raster scan first
    /// meets them.
    ///
    /// A hole is whatever an object encloses, other objects too. Objects are filled one after the other by ascending label, and then
    /// those are dropped of which too little is left.
    ///
    /// - Complexity: linear in the pixels of the boxes around objects.
    public func callAsFunction(_ labels: Image<Int32>) -> Image<Int32> { withoutSmall(filled(withoutSmall(labels))) }

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

    /// The places, from 1, of small objects among the objects; CellPose leaves out the first where there is no background.
    private func smallPlaces(_ objects: [LabelledObject], hasBackground: Bool) -> [Int32] {
        objects.dropFirst(hasBackground ? 0 : 1).enumerated().filter { $0.element.area < smallestArea }
            .map { Int32($0.offset + 1) }
    }

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
                for (place, isInside) in shape.holesFilled().values.enumerated() where isInside {
                    let (y, x) = place.quotientAndRemainder(dividingBy: shape.width)
                    result[(object.rows.lowerBound + y) * labels.width + object.columns.lowerBound + x] = Int32(index + 1)
                }
            }
        }
    }
}
