/// A circle on a slice: where a ball cuts it.
public struct SliceCircle: Hashable, Sendable {
    /// The centre, in voxels: (0, 0) is the middle of the first voxel.
    public let x: Double
    public let y: Double
    /// In voxels.
    public let radius: Double
    /// Which colour of the palette it has.
    public let label: UInt32

    public init(x: Double, y: Double, radius: Double, label: UInt32) {
        self.x = x
        self.y = y
        self.radius = radius
        self.label = label
    }
}

extension RGBImage {
    /// Draws circles with a dark edge, so that they are seen on anything.
    ///
    /// - Parameter factor: how many times as long as a voxel a pixel of the picture is.
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
