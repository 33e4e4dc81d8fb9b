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

    /// The mask as 8-bit pixels: `foreground` and 0.
    public func bytes(foreground: UInt8 = 1) -> Image<UInt8> { map { $0 ? foreground : 0 } }

    /// The number of foreground pixels.
    public var foregroundCount: Int { values.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// The Dice coefficient of two masks: twice the pixels in common over the pixels of both. Two empty masks have
    /// nothing in common: 0.
    ///
    /// - Throws: ``ImageError`` where the sizes differ.
    public func dice(with other: Mask) throws(ImageError) -> Double {
        try requireSize(of: other)
        var (common, total) = (0, 0)
        for (mine, theirs) in zip(values, other.values) {
            common += mine && theirs ? 1 : 0
            total += (mine ? 1 : 0) + (theirs ? 1 : 0)
        }
        return total == 0 ? 0 : 2 * Double(common) / Double(total)
    }

    /// The pixels as bytes of 0 and 1, for loops over several at a time.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        // A Bool is a byte of 0 or 1.
        values.withUnsafeBufferPointer { bools in bools.withMemoryRebound(to: UInt8.self, body) }
    }

    /// A mask whose pixels the closure writes as bytes of 0 and 1, all of them.
    init(sizeOf other: Image<some Any>, initializingBytesWith initialize: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
        self.init(sizeOf: other, initializingWith: { bools in bools.withMemoryRebound(to: UInt8.self, initialize) })
    }
}
