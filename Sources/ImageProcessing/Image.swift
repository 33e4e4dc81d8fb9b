public import Basics

/// A two-dimensional array of pixels `[y][x]`, x fastest: one slice of a tomogram, or a tile of one.
///
/// An image has at least one pixel, and at most 2³¹ − 1 along a side.
public struct Image<Pixel: BitwiseCopyable & Sendable>: Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels of a row.
    public let width: Int
    /// The pixels, row after row: `height * width` of them.
    public private(set) var values: [Pixel]

    /// Returns nil if a side is smaller than one, or if the number of values is not that of the sides.
    public init?(height: Int, width: Int, values: [Pixel]) {
        guard let count = Self.count(height: height, width: width), values.count == count else { return nil }
        self.height = height
        self.width = width
        self.values = values
    }

    /// An image of one value; nil if a side is smaller than one, or the image could not be addressed.
    public init?(height: Int, width: Int, repeating value: Pixel) {
        guard let count = Self.count(height: height, width: width) else { return nil }
        self.height = height
        self.width = width
        self.values = Array(repeating: value, count: count)
    }

    /// An image of a known size, whose pixels the closure writes, all of them.
    public init(sizeOf other: Image<some Any>, initializingWith initialize: (UnsafeMutableBufferPointer<Pixel>) -> Void) {
        self.init(uncheckedHeight: other.height, width: other.width, initializingWith: initialize)
    }

    /// An image whose pixels the closure writes, all of them. The caller has checked that both sides are positive
    /// and that their product does not overflow.
    init(uncheckedHeight height: Int, width: Int, initializingWith initialize: (UnsafeMutableBufferPointer<Pixel>) -> Void) {
        let count = height * width
        self.height = height
        self.width = width
        self.values = Array(unsafeUninitializedCapacity: count) { buffer, initialized in
            initialize(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }

    /// The pixel of row `y` and column `x`, which must lie in the image.
    public subscript(y y: Int, x x: Int) -> Pixel {
        get {
            precondition(x >= 0 && x < width, "the column does not lie in the image")
            return values[y * width + x]
        }
        set {
            precondition(x >= 0 && x < width, "the column does not lie in the image")
            values[y * width + x] = newValue
        }
    }

    /// The image of what the closure makes of each pixel.
    // Inlinable, because a closure of another module would otherwise be called through its generic witnesses, pixel by pixel.
    @inlinable
    public func map<Result>(_ transform: (Pixel) -> Result) -> Image<Result> {
        Image<Result>(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                for index in 0..<values.count { result[index] = transform(values[index]) }
            }
        }
    }

    /// Replaces each pixel by what the closure makes of it.
    mutating func update(_ transform: (_ index: Int, Pixel) -> Pixel) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = transform(index, values[index]) }
        }
    }

    /// The number of pixels, or nil if there can be no such image.
    static func count(height: Int, width: Int) -> Int? {
        let sides = 1...Int(Int32.max)
        guard sides.contains(height), sides.contains(width) else { return nil }
        let (count, overflows) = height.multipliedReportingOverflow(by: width)
        return overflows || count > Int.max / 16 ? nil : count
    }
}

extension Image: Equatable where Pixel: Equatable {}
extension Image: Hashable where Pixel: Hashable {}

extension Image {
    /// - Throws: ``ImageError`` where the sizes differ.
    func requireSize(of other: Image<some Any>) throws(ImageError) {
        guard height == other.height, width == other.width else {
            throw ImageError(
                .invalidSize,
                "an image of \(width) × \(height) pixels cannot be compared with one of \(other.width) × \(other.height); "
                    + "resize one of them")
        }
    }
}

/// A non-empty rectangle of pixels of an image, half-open along each axis, 0-based.
public struct ImageRegion: Hashable, Sendable {
    public let y: Range<Int>
    public let x: Range<Int>

    /// Returns nil if a range is empty or begins below zero.
    public init?(y: Range<Int>, x: Range<Int>) {
        guard y.lowerBound >= 0, x.lowerBound >= 0, !y.isEmpty, !x.isEmpty else { return nil }
        self.y = y
        self.x = x
    }

    /// The number of rows.
    public var height: Int { y.count }
    /// The number of pixels of a row.
    public var width: Int { x.count }
}

extension Image {
    /// The pixels of a region as an image of their own.
    ///
    /// - Throws: ``ImageError`` where the region does not lie in the image.
    /// - Complexity: copies the pixels of the region.
    public func cropped(to region: ImageRegion) throws(ImageError) -> Image {
        guard region.y.upperBound <= height, region.x.upperBound <= width else {
            throw ImageError(
                .invalidSize,
                "the region y \(region.y), x \(region.x) does not lie in the image of \(width) × \(height) pixels")
        }
        return Image(uncheckedHeight: region.height, width: region.width) { result in
            values.withUnsafeBufferPointer { source in
                for row in 0..<region.height {
                    let first = (region.y.lowerBound + row) * width + region.x.lowerBound
                    let target = result[row * region.width..<(row + 1) * region.width]
                    _ = UnsafeMutableBufferPointer(rebasing: target)
                        .update(fromContentsOf: UnsafeBufferPointer(rebasing: source[first..<first + region.width]))
                }
            }
        }
    }
}
