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
