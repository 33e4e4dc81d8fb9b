public import Basics

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
