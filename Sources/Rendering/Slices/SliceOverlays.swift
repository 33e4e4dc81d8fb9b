public import Volumes

/// A label image `[y][x]`: 0 is background, every other number an object or a class.
public struct LabelImage: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of pixels in a row.
    public let width: Int
    /// The labels, row after row.
    public let labels: [UInt32]

    /// Returns nil if a side is outside 1 … 65536, or if `labels` does not have `height * width` values.
    public init?(height: Int, width: Int, labels: [UInt32]) {
        guard let count = PixelCount.of(height: height, width: width), labels.count == count else { return nil }
        self.height = height
        self.width = width
        self.labels = labels
    }

    /// Converts one slice `[1][y][x]` of a segmentation of any scalar type; nil unless the buffer holds exactly one slice.
    ///
    /// Values below 1 and NaN become background. Labels beyond 2²⁴ are rounded to float32, so that two objects may get the
    /// same label and colour.
    public init?(_ slice: VoxelBuffer) {
        guard slice.shape.z == 1 else { return nil }
        self.init(
            height: slice.shape.y, width: slice.shape.x,
            labels: slice.floats().map { $0 >= 1 ? UInt32(min($0, 0x1p31)) : 0 })
    }
}

extension RGBImage {
    /// Blends the colour of each label over the picture, `opacity` 0 … 1. The upper left corner of the labels is at row 0 and
    /// column 0; label 0 changes nothing.
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

/// A circle on a slice: the intersection of a ball (a particle) with the plane of the slice.
public struct SliceCircle: Hashable, Sendable {
    /// The x coordinate of the centre, in voxels: (0, 0) is the middle of the first voxel.
    public let x: Double
    /// The y coordinate of the centre, in voxels.
    public let y: Double
    /// The radius, in voxels.
    public let radius: Double
    /// The label whose colour of the palette the circle has.
    public let label: UInt32

    public init(x: Double, y: Double, radius: Double, label: UInt32) {
        self.x = x
        self.y = y
        self.radius = radius
        self.label = label
    }

    /// The circle in which a ball cuts a slice; nil where it does not reach it.
    ///
    /// The radius is √(R² − d²), with the ball's radius R and the distance d of its centre from the slice. Pixels that are not
    /// square are taken as squares of the same area.
    ///
    /// - Parameters:
    ///   - center: the centre of the ball: x, y, z in Å from the middle of the first voxel.
    ///   - radius: the radius of the ball in Å.
    ///   - z: the slice, from 0.
    public init?(ballAt center: SIMD3<Double>, radius: Double, inSlice z: Int, voxelSize: VoxelSize, label: UInt32) {
        let distance = center.z - Double(z) * voxelSize.zInAngstroms
        guard abs(distance) < radius else { return nil }
        let pixel = (voxelSize.xInAngstroms * voxelSize.yInAngstroms).squareRoot()
        self.init(
            x: center.x / voxelSize.xInAngstroms, y: center.y / voxelSize.yInAngstroms,
            radius: (radius * radius - distance * distance).squareRoot() / pixel, label: label)
    }
}

/// A straight line on a slice, in a colour of its own.
public struct SliceLine: Hashable, Sendable {
    /// Its ends (x, y), in voxels: (0, 0) is the middle of the first voxel.
    public let from: SIMD2<Double>
    public let to: SIMD2<Double>
    public let color: Color

    public init(from: SIMD2<Double>, to: SIMD2<Double>, color: Color) {
        self.from = from
        self.to = to
        self.color = color
    }
}

extension RGBImage {
    /// Draws thin lines with a dark edge, so that they are visible on any background.
    ///
    /// - Parameter factor: the number of pixels of the picture per voxel.
    mutating func draw(_ lines: [SliceLine], factor: Double) {
        guard !lines.isEmpty else { return }
        var drawing = VectorDrawing(width: Double(width), height: Double(height))
        let width = max(1, Double(min(self.width, self.height)) / 600)
        for line in lines {
            let ends = [line.from, line.to].map { ($0 + 0.5) * factor }
            drawing.addLine(ends, .init(.black, width: width * 3, opacity: 0.5))
            drawing.addLine(ends, .init(line.color, width: width))
        }
        draw(drawing, scale: 1)
    }

    /// Draws circles with a dark edge, so that they are visible on any background.
    ///
    /// - Parameter factor: the number of pixels of the picture per voxel.
    mutating func draw(_ circles: [SliceCircle], palette: LabelPalette, factor: Double) {
        var drawing = VectorDrawing(width: Double(width), height: Double(height))
        let width = max(2, Double(min(self.width, self.height)) / 400)
        for circle in circles {
            guard let color = palette.color(of: circle.label) else { continue }
            let center = VectorDrawing.Point((circle.x + 0.5) * factor, (circle.y + 0.5) * factor)
            drawing.addCircle(
                center: center, radius: circle.radius * factor, .init(.black, width: width * 2.2, opacity: 0.55))
            drawing.addCircle(center: center, radius: circle.radius * factor, .init(color, width: width))
        }
        draw(drawing, scale: 1)
    }
}
