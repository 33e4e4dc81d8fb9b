public import Basics
public import Volumes

/// A mask of a volume with a bit for each voxel: 38 MB for 1000 × 1000 × 300.
///
/// ```swift
/// var volume = BitVolume(shape: shape)
/// for mask in masks { try volume.append(mask) }
/// let skeleton = volume.thinned(to: .surface)
/// ```
public struct BitVolume: Hashable, Sendable {
    public let shape: VolumeShape
    /// The number of slices that were appended; the others are background.
    public private(set) var depth = 0
    /// The words of a row, and of a slice, as in ``PackedSlice``; a slice of background lies before the first and after the last.
    let rowWords: Int
    let sliceWords: Int
    var words: [UInt64]

    /// - Throws: ``ImageError`` where the bits do not fit the memory that can be addressed.
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

    /// Sets the next slice.
    ///
    /// - Throws: ``ImageError`` where the mask has another size than a slice, or the volume is full.
    /// - Complexity: a pass over the pixels, eight at a time.
    public mutating func append(_ mask: Mask) throws(ImageError) {
        guard mask.height == shape.y, mask.width == shape.x, depth < shape.z else {
            throw ImageError(
                .invalidSize,
                "slice \(depth) of \(mask.width) × \(mask.height) pixels does not fit a volume of \(shape) voxels")
        }
        let packed = PackedSlice(mask)
        words.replaceSubrange((depth + 1) * sliceWords..<(depth + 2) * sliceWords, with: packed.words)
        depth += 1
    }

    /// Whether a voxel of the volume is foreground.
    public subscript(z z: Int, y y: Int, x x: Int) -> Bool {
        precondition(z >= 0 && z < shape.z && y >= 0 && y < shape.y && x >= 0 && x < shape.x, "a voxel outside the volume")
        let bit = x + 1
        return words[(z + 1) * sliceWords + (y + 1) * rowWords + bit / 64] >> UInt64(bit % 64) & 1 != 0
    }

    /// The number of foreground voxels.
    public var foregroundCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// The number of voxels that are foreground here and there.
    ///
    /// - Precondition: the shapes are the same.
    public func commonCount(with other: BitVolume) -> Int {
        precondition(shape == other.shape, "masks of different shapes cannot be compared")
        return zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
    }
}
