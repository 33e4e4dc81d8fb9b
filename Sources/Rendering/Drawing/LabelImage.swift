public import Volumes

/// A slice of labels `[y][x]`: 0 is background, every other number an object or a class.
public struct LabelImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels of a row.
    public let width: Int
    /// The labels, row after row.
    public let labels: [UInt32]

    /// Returns nil if a side is out of range, or if the number of labels is not that of the sides.
    public init?(height: Int, width: Int, labels: [UInt32]) {
        guard let count = PixelCount.of(height: height, width: width), labels.count == count else { return nil }
        self.height = height
        self.width = width
        self.labels = labels
    }

    /// One slice of a segmentation of any type; nil unless the buffer holds exactly one slice.
    ///
    /// Values that are no label (negative, or NaN) count as background; labels beyond 2²⁴ are rounded, which at worst gives
    /// two objects one colour.
    public init?(_ slice: VoxelBuffer) {
        guard slice.shape.z == 1 else { return nil }
        self.init(
            height: slice.shape.y, width: slice.shape.x,
            labels: slice.floats().map { $0 >= 1 ? UInt32(min($0, 0x1p31)) : 0 })
    }
}

extension RGBImage {
    /// Colours the pixels of each label, `opacity` 0 … 1, with the upper left corner of the labels at row 0 and column 0.
    public mutating func overlay(_ labels: LabelImage, palette: LabelPalette = .standard, opacity: Double) {
        for y in 0..<min(height, labels.height) {
            for x in 0..<min(width, labels.width) {
                guard let color = palette.color(of: labels.labels[y * labels.width + x]) else { continue }
                let first = 3 * (y * width + x)
                setColor(self.color(at: first).mixed(with: color, fraction: opacity), at: first)
            }
        }
    }
}
