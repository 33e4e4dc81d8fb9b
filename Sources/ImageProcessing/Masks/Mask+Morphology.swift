public import Basics

/// Beyond the border there is nothing that could decide: a mask is dilated by its own foreground only, and eroded by
/// its own background only, as in OpenCV and scikit-image.
extension Image<Bool> {
    /// Foreground wherever the neighbourhood of a pixel holds foreground.
    ///
    /// - Complexity: a comparison of a pixel for each row of the element; memory is the result and a byte for each pixel.
    public func dilated(by element: StructuringElement) -> Mask { spread(true, by: element) }

    /// Background wherever the neighbourhood of a pixel holds background.
    ///
    /// - Complexity: as for ``dilated(by:)``.
    public func eroded(by element: StructuringElement) -> Mask { spread(false, by: element) }

    /// Eroded, then dilated: without what the element does not fit into.
    public func opened(by element: StructuringElement) -> Mask { eroded(by: element).dilated(by: element) }

    /// Dilated, then eroded: with gaps closed that the element does not fit into.
    public func closed(by element: StructuringElement) -> Mask { dilated(by: element).eroded(by: element) }

    /// Spreads the pixels of one kind.
    private func spread(_ kind: Bool, by element: StructuringElement) -> Mask {
        let distances = distancesAlongRows(to: kind)
        let other: UInt8 = kind ? 0 : 1
        return Mask(
            sizeOf: self,
            initializingBytesWith: { result in
                distances.values.withUnsafeBufferPointer { distances in
                    result.initialize(repeating: other)
                    for y in 0..<height {
                        let row = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width])
                        for source in max(0, y - element.radius)...min(height - 1, y + element.radius) {
                            Self.turn(
                                row, from: other,
                                where: UnsafeBufferPointer(rebasing: distances[source * width..<(source + 1) * width]),
                                isAtMost: UInt8(truncatingIfNeeded: element.reach(ofRow: source - y)))
                        }
                    }
                }
            })
    }

    /// Turns pixels of a row to the other value where a distance is small.
    private static func turn(
        _ row: UnsafeMutableBufferPointer<UInt8>, from value: UInt8, where distances: UnsafeBufferPointer<UInt8>,
        isAtMost reach: UInt8
    ) {
        if value == 0 {
            for x in 0..<row.count { row[x] |= distances[x] <= reach ? 1 : 0 }
        } else {
            for x in 0..<row.count { row[x] &= distances[x] <= reach ? 0 : 1 }
        }
    }

    /// How far the nearest pixel of a kind in the same row is; 255 also stands for all that is farther.
    private func distancesAlongRows(to kind: Bool) -> Image<UInt8> {
        Image<UInt8>(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    let row = y * width
                    var distance: UInt8 = 255
                    for index in row..<row + width {
                        distance = values[index] == kind ? 0 : distance == 255 ? 255 : distance &+ 1
                        result[index] = distance
                    }
                    for index in (row..<row + width).reversed() {
                        distance = Swift.min(result[index], distance == 255 ? 255 : distance &+ 1)
                        result[index] = distance
                    }
                }
            }
        }
    }
}

/// The neighbourhood of a pixel that morphology looks at: a symmetric shape around it, 2 r + 1 pixels wide and high.
public struct StructuringElement: Hashable, Sendable {
    public enum Shape: String, Codable, CaseIterable, Hashable, Sendable {
        /// Pixels at a distance of r or less: scikit-image's `disk`. (OpenCV's `MORPH_ELLIPSE` is a little larger.)
        case disc
        /// All of the square.
        case square
        /// The middle row and the middle column.
        case cross
    }

    public let shape: Shape
    /// r: how far the neighbourhood reaches, in pixels.
    public let radius: Int

    /// - Throws: ``ImageError`` unless the radius is in 0 … 127.
    public init(_ shape: Shape, radius: Int) throws(ImageError) {
        guard (0...127).contains(radius) else {
            throw .parameter("the radius of the structuring element", radius, mustBe: "in 0 … 127 pixels")
        }
        self.shape = shape
        self.radius = radius
    }

    /// How far the row `dy` above or below the middle reaches to either side.
    func reach(ofRow dy: Int) -> Int {
        switch shape {
        case .square: radius
        case .cross: dy == 0 ? radius : 0
        case .disc: Int(Double(radius * radius - dy * dy).squareRoot())
        }
    }
}
