public import Basics
public import Volumes

/// The mask of a volume, with one bit for each voxel: 38 MB for 1000 × 1000 × 300.
///
/// ```swift
/// var volume = try BitVolume(shape: shape)
/// for mask in masks { try volume.append(mask) }
/// let skeleton = volume.thinned(to: .surface)
/// ```
public struct BitVolume: Hashable, Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The number of slices that were appended; the others are background.
    public private(set) var depth = 0
    /// The number of words of a row, as in ``PackedSlice``.
    let rowWords: Int
    /// The number of words of a slice, as in ``PackedSlice``.
    let sliceWords: Int
    /// The slices, with a slice of background before the first and after the last.
    var words: [UInt64]

    /// Creates a volume of background.
    ///
    /// - Throws: ``ImageError`` where the volume is too large to address its bits.
    public init(shape: VolumeShape) throws(ImageError) {
        rowWords = PackedSlice.rowWords(width: shape.x)
        sliceWords = rowWords * (shape.y + 2)
        let (count, overflows) = sliceWords.multipliedReportingOverflow(by: shape.z + 2)
        guard !overflows, count < Int.max / 64 else {
            throw ImageError(.invalidSize, "a mask of \(shape) voxels cannot be addressed; split the volume")
        }
        self.shape = shape
        words = [UInt64](repeating: 0, count: count)
    }

    /// Appends the next slice.
    ///
    /// - Throws: ``ImageError`` where the mask has another size than a slice, or the volume is full.
    /// - Complexity: one pass over the pixels, eight at a time.
    public mutating func append(_ mask: Mask) throws(ImageError) {
        guard mask.height == shape.y, mask.width == shape.x, depth < shape.z else {
            throw ImageError(
                .invalidSize,
                "slice \(depth) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels; "
                    + "give \(shape.z) slices of \(shape.x) × \(shape.y)")
        }
        let packed = PackedSlice(mask)
        words.replaceSubrange((depth + 1) * sliceWords..<(depth + 2) * sliceWords, with: packed.words)
        depth += 1
    }

    /// Whether a voxel is foreground. The voxel must lie in the volume.
    public subscript(z z: Int, y y: Int, x x: Int) -> Bool {
        precondition(z >= 0 && z < shape.z && y >= 0 && y < shape.y && x >= 0 && x < shape.x, "a voxel outside the volume")
        let bit = x + 1
        return words[(z + 1) * sliceWords + (y + 1) * rowWords + bit / 64] >> UInt64(bit % 64) & 1 != 0
    }

    /// The number of foreground voxels.
    ///
    /// - Complexity: one pass over the voxels, 64 at a time.
    public var foregroundCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The number of voxels that are foreground in both volumes.
    ///
    /// - Precondition: the shapes are the same.
    /// - Complexity: one pass over the voxels, 64 at a time.
    public func commonCount(with other: BitVolume) -> Int {
        precondition(shape == other.shape, "masks of different shapes cannot be compared")
        return zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
    }
}

/// The mask of a slice with one bit for each pixel, in rows of whole words, with a border of background one pixel wide.
///
/// ```
/// words[y + 1][word], y = −1 … height: pixel x is bit x + 1 of its row, counted from the lowest bit of the first word
/// ```
package struct PackedSlice: Sendable {
    package let height: Int
    package let width: Int
    /// The number of words of a row.
    package let rowWords: Int
    /// The rows −1 … height, `rowWords` words each.
    package private(set) var words: [UInt64]

    /// - Complexity: one pass over the pixels, eight at a time.
    package init(_ mask: Mask) {
        self.init(height: mask.height, width: mask.width)
        mask.withBytes { fill(from: UnsafeRawBufferPointer($0)) }
    }

    /// The mask of the pixels with one label.
    ///
    /// - Complexity: one pass over the pixels.
    package init(_ labels: Image<UInt8>, equalTo label: UInt8) {
        self.init(height: labels.height, width: labels.width)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: labels.width) { row in
            labels.values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    for x in 0..<width { row[x] = values[y &* width &+ x] == label ? 1 : 0 }
                    fillRow(y, from: UnsafeRawBufferPointer(row), at: 0)
                }
            }
        }
    }

    /// A mask of background.
    package init(height: Int, width: Int) {
        self.height = height
        self.width = width
        rowWords = Self.rowWords(width: width)
        words = [UInt64](repeating: 0, count: rowWords * (height + 2))
    }

    /// The number of words for a row of `width` pixels and its border.
    fileprivate static func rowWords(width: Int) -> Int { (width + 2 + 63) / 64 }

    /// Whether a pixel is foreground; y in −1 … height, x in −1 … width.
    package subscript(y y: Int, x x: Int) -> Bool { words[(y + 1) * rowWords + (x + 1) / 64] >> UInt64((x + 1) % 64) & 1 != 0 }

    /// The number of pixels that are foreground in both slices, which have the same size.
    package func commonCount(with other: PackedSlice) -> Int {
        zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
    }

    private mutating func fill(from bytes: UnsafeRawBufferPointer) {
        for y in 0..<height { fillRow(y, from: bytes, at: y * width) }
    }

    /// Sets the bits of an empty row from bytes of 0 and 1.
    private mutating func fillRow(_ y: Int, from bytes: UnsafeRawBufferPointer, at offset: Int) {
        let start = (y + 1) * rowWords
        words.withUnsafeMutableBufferPointer { words in
            for first in stride(from: 0, to: width, by: 64) {
                let count = min(64, width - first)
                let bits = bytes.packedBits(at: offset &+ first, count: count)
                let word = start &+ first / 64
                words[word] |= bits &<< 1
                // The border shifts the last bit to the next word, which the row has room for.
                if count == 64 { words[word &+ 1] |= bits &>> 63 }
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Packs up to 64 bytes of 0 and 1 into bits; the first byte becomes the lowest bit.
    @inline(__always)
    func packedBits(at first: Int, count: Int) -> UInt64 {
        var bits: UInt64 = 0
        for place in stride(from: 0, to: count & ~7, by: 8) {
            let eight = UInt64(littleEndian: loadUnaligned(fromByteOffset: first &+ place, as: UInt64.self))
            // The product has the lowest bits of the eight bytes in its highest byte.
            bits |= ((eight &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(place)
        }
        for place in count & ~7..<count { bits |= UInt64(self[first &+ place]) &<< UInt64(place) }
        return bits
    }
}
