public import Basics

/// Binary morphology. Pixels beyond the border have no effect: they do not count as foreground in a dilation, nor as
/// background in an erosion, as in OpenCV and scikit-image.
extension Image<Bool> {
    /// The dilation: foreground wherever the neighbourhood of a pixel contains foreground.
    ///
    /// - Complexity: one comparison for each pixel and row of the element. Memory is the result and a byte for each pixel.
    public func dilated(by element: StructuringElement) -> Mask { spread(true, by: element) }

    /// The erosion: background wherever the neighbourhood of a pixel contains background.
    ///
    /// - Complexity: as for ``dilated(by:)``.
    public func eroded(by element: StructuringElement) -> Mask { spread(false, by: element) }

    /// The opening: erosion, then dilation. It removes foreground that the element does not fit into.
    ///
    /// - Complexity: twice that of ``dilated(by:)``.
    public func opened(by element: StructuringElement) -> Mask { eroded(by: element).dilated(by: element) }

    /// The closing: dilation, then erosion. It fills background that the element does not fit into.
    ///
    /// - Complexity: twice that of ``dilated(by:)``.
    public func closed(by element: StructuringElement) -> Mask { dilated(by: element).eroded(by: element) }

    /// Sets to `kind` every pixel whose neighbourhood contains a pixel of `kind`.
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

    /// Changes pixels of a row from `value` to the other value where a distance is at most `reach`.
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

    /// The distance of each pixel to the nearest pixel of a kind in its row, at most 255.
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

/// A structuring element: the neighbourhood of a pixel in morphology, symmetric, 2 r + 1 pixels wide and high.
public struct StructuringElement: Hashable, Sendable {
    /// The form of the neighbourhood.
    public enum Shape: String, Codable, CaseIterable, Hashable, Sendable {
        /// Pixels at a distance of at most r: scikit-image's `disk`. (OpenCV's `MORPH_ELLIPSE` is a little larger.)
        case disc
        /// All pixels of the square.
        case square
        /// The middle row and the middle column.
        case cross
    }

    /// The form of the neighbourhood.
    public let shape: Shape
    /// r in pixels: the greatest distance from the middle along an axis.
    public let radius: Int

    /// - Throws: ``ImageError`` unless the radius is in 0 … 127.
    public init(_ shape: Shape, radius: Int) throws(ImageError) {
        guard (0...127).contains(radius) else {
            throw .parameter("the radius of the structuring element", radius, mustBe: "in 0 … 127 pixels")
        }
        self.shape = shape
        self.radius = radius
    }

    /// The number of pixels on either side of the middle column in the row at distance `dy` from the middle.
    fileprivate func reach(ofRow dy: Int) -> Int {
        switch shape {
        case .square: radius
        case .cross: dy == 0 ? radius : 0
        case .disc: Int(Double(radius * radius - dy * dy).squareRoot())
        }
    }
}
