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

    /// Creates an image from its pixels `[y][x]`.
    ///
    /// Returns nil where a side is not in 1 … 2³¹ − 1, or the number of values is not `height * width`.
    public init?(height: Int, width: Int, values: [Pixel]) {
        guard let count = Self.count(height: height, width: width), values.count == count else { return nil }
        self.height = height
        self.width = width
        self.values = values
    }

    /// Creates an image in which every pixel has the same value.
    ///
    /// Returns nil where a side is not in 1 … 2³¹ − 1, or there are too many pixels to address.
    public init?(height: Int, width: Int, repeating value: Pixel) {
        guard let count = Self.count(height: height, width: width) else { return nil }
        self.height = height
        self.width = width
        self.values = Array(repeating: value, count: count)
    }

    /// Creates an image of the size of `other`. The closure must write every pixel of the buffer `[y][x]`, which is not
    /// initialized.
    public init(sizeOf other: Image<some Any>, initializingWith initialize: (UnsafeMutableBufferPointer<Pixel>) -> Void) {
        self.init(uncheckedHeight: other.height, width: other.width, initializingWith: initialize)
    }

    /// Creates an image of a size that the caller has checked: both sides are positive, and their product does not overflow.
    /// The closure must write every pixel of the buffer, which is not initialized.
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

    /// The image of the same size that holds `transform(pixel)` for each pixel.
    ///
    /// - Complexity: one pass over the pixels.
    // Inlinable, because a closure of another module would otherwise be called through its generic witnesses, pixel by pixel.
    @inlinable
    public func map<Result>(_ transform: (Pixel) -> Result) -> Image<Result> {
        Image<Result>(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                for index in 0..<values.count { result[index] = transform(values[index]) }
            }
        }
    }

    /// Replaces each pixel by `transform(index, pixel)`; `index` counts pixels row after row.
    mutating func update(_ transform: (_ index: Int, Pixel) -> Pixel) {
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices { values[index] = transform(index, values[index]) }
        }
    }

    /// The number of pixels; nil where an image cannot have these sides.
    private static func count(height: Int, width: Int) -> Int? {
        let sides = 1...Int(Int32.max)
        guard sides.contains(height), sides.contains(width) else { return nil }
        let (count, overflows) = height.multipliedReportingOverflow(by: width)
        return overflows || count > Int.max / 16 ? nil : count
    }
}

extension Image: Equatable where Pixel: Equatable {}
extension Image: Hashable where Pixel: Hashable {}

extension Image {
    /// Checks that two images have the same height and width.
    ///
    /// - Throws: ``ImageError`` where they differ.
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
    /// The rows.
    public let y: Range<Int>
    /// The columns.
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
    /// A copy of the pixels of a region, as an image of the region's size.
    ///
    /// - Throws: ``ImageError`` where the region does not lie in the image.
    /// - Complexity: one pass over the pixels of the region.
    public func cropped(to region: ImageRegion) throws(ImageError) -> Image {
        guard region.y.upperBound <= height, region.x.upperBound <= width else {
            throw ImageError(
                .invalidSize,
                "the region y \(region.y), x \(region.x) does not lie in the image of \(width) × \(height) pixels; "
                    + "give a region inside of it")
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

/// The kinds of ``ImageError``.
public enum ImageErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    case invalidParameter
    /// The size of an image does not fit the operation.
    case invalidSize
}

/// Why an operation on images could not be done: one sentence that says what is wrong and what to do.
public typealias ImageError = CodedError<ImageErrorCode>
