public import Basics

/// A segmentation of an image into foreground (true) and background.
public typealias Mask = Image<Bool>

extension Image<Bool> {
    /// The mask whose foreground is every pixel that is not zero.
    public init(nonzero image: Image<UInt8>) {
        self.init(sizeOf: image) { result in
            for (index, value) in image.values.enumerated() { result[index] = value != 0 }
        }
    }

    /// The mask as 8-bit pixels: `foreground` where it is true, 0 elsewhere.
    public func bytes(foreground: UInt8 = 1) -> Image<UInt8> { map { $0 ? foreground : 0 } }

    /// The number of foreground pixels.
    public var foregroundCount: Int { values.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// The Dice coefficient 2 |A ∩ B| / (|A| + |B|) of the foregrounds of two masks; 0 where both are empty.
    ///
    /// - Throws: ``ImageError`` where the sizes differ.
    /// - Complexity: one pass over the pixels.
    public func dice(with other: Mask) throws(ImageError) -> Double {
        try requireSize(of: other)
        var (common, total) = (0, 0)
        for (mine, theirs) in zip(values, other.values) {
            common += mine && theirs ? 1 : 0
            total += (mine ? 1 : 0) + (theirs ? 1 : 0)
        }
        return total == 0 ? 0 : 2 * Double(common) / Double(total)
    }

    /// Calls `body` with the pixels as bytes of 0 and 1, so that loops can process several at a time.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        // A Bool is a byte of 0 or 1.
        values.withUnsafeBufferPointer { bools in bools.withMemoryRebound(to: UInt8.self, body) }
    }

    /// Creates a mask of the size of `other`. The closure must write every pixel, as a byte of 0 or 1.
    init(sizeOf other: Image<some Any>, initializingBytesWith initialize: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        self.init(sizeOf: other, initializingWith: { bools in bools.withMemoryRebound(to: UInt8.self, initialize) })
    }
}

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

extension Image<Bool> {
    /// The exact Euclidean distance of each foreground pixel to the nearest background pixel, between their centres, in
    /// pixels; 0 in the background. It equals SciPy's `distance_transform_edt` rounded to float32. Where the mask has no
    /// background, all distances are infinite.
    ///
    /// Source: P. F. Felzenszwalb, D. P. Huttenlocher, *Distance transforms of sampled functions*, Theory of Computing
    /// 8 (2012): first the distances along columns; each row of the result is then the lower envelope of parabolas.
    ///
    /// - Complexity: linear in the pixels. Memory is the result and four bytes for each pixel.
    public func distancesToBackground() -> Image<Float> {
        let columns = distancesAlongColumns()
        return Image<Float>(sizeOf: self) { result in
            var envelope = ParabolaEnvelope(width: width)
            columns.withUnsafeBufferPointer { columns in
                for y in 0..<height {
                    envelope.fill(
                        UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]),
                        from: UnsafeBufferPointer(rebasing: columns[y * width..<(y + 1) * width]))
                }
            }
        }
    }

    /// The distance of each pixel to the nearest background pixel of its column, `[y][x]`; −1 where the column has none.
    private func distancesAlongColumns() -> [Int32] {
        var result = [Int32](repeating: -1, count: values.count)
        result.withUnsafeMutableBufferPointer { result in
            values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    for index in y * width..<(y + 1) * width {
                        let above = y == 0 ? -1 : result[index &- width]
                        result[index] = values[index] ? (above < 0 ? -1 : above &+ 1) : 0
                    }
                }
                for y in (0..<height - 1).reversed() {
                    for index in y * width..<(y + 1) * width {
                        let below = result[index &+ width]
                        guard below >= 0 else { continue }
                        result[index] = result[index] < 0 ? below &+ 1 : Swift.min(result[index], below &+ 1)
                    }
                }
            }
        }
        return result
    }
}

/// The lower envelope of the parabolas (x − i)² + g(i)² over a row: for each x the least squared distance.
private struct ParabolaEnvelope {
    /// The centres i of the parabolas of the envelope, from left to right.
    private var centers: [Int]
    /// The first x at which each of them is the lowest.
    private var begins: [Int]

    init(width: Int) {
        centers = Array(repeating: 0, count: width)
        begins = Array(repeating: 0, count: width)
    }

    /// Writes the distances of a row.
    ///
    /// - Parameter heights: g, at most 2³¹ − 1; a negative value means no parabola.
    mutating func fill(_ row: UnsafeMutableBufferPointer<Float>, from heights: UnsafeBufferPointer<Int32>) {
        let width = row.count
        centers.withUnsafeMutableBufferPointer { centers in
            begins.withUnsafeMutableBufferPointer { begins in
                /// The value of a parabola at x. Sides are below 2³¹, so that the sum of two squares fits 64 bits.
                func value(_ center: Int, at x: Int) -> Int {
                    let height = Int(heights[center])
                    return (x &- center) &* (x &- center) &+ height &* height
                }
                var count = 0
                for center in 0..<width where heights[center] >= 0 {
                    while count > 0, value(centers[count &- 1], at: begins[count &- 1]) > value(center, at: begins[count &- 1]) {
                        count &-= 1
                    }
                    guard count > 0 else {
                        (centers[0], begins[0], count) = (center, 0, 1)
                        continue
                    }
                    let last = centers[count &- 1]
                    let (new, old) = (value(center, at: 0), value(last, at: 0))
                    // The first integer x at which the new parabola is lower than the last.
                    let begin = (new &- old) / (2 &* (center &- last)) &+ 1
                    if begin < width {
                        (centers[count], begins[count]) = (center, begin)
                        count &+= 1
                    }
                }
                guard count > 0 else {
                    row.initialize(repeating: .infinity)
                    return
                }
                for part in 0..<count {
                    for x in begins[part]..<(part &+ 1 < count ? begins[part &+ 1] : width) {
                        row[x] = Float(Double(value(centers[part], at: x)).squareRoot())
                    }
                }
            }
        }
    }
}
