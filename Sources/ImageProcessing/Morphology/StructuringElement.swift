public import Basics

/// The neighbourhood of a pixel that morphology looks at: a symmetric shape around it, 2 r + 1 pixels wide and high.
public struct StructuringElement: Hashable, Sendable {
    public enum Shape: String, Codable, CaseIterable, Hashable, Sendable {
        /// Pixels at a distance of r or less: scikit-image's `disk`. (OpenCV's `MORPH_ELLIPSE` is a little larger.)
        case disc
        /// All of the square.
        case square
        /// The middle row and the middle column.
        case cross
    }

    public let shape: Shape
    /// r: how far the neighbourhood reaches, in pixels.
    public let radius: Int

    /// - Throws: ``ImageError`` unless the radius is in 0 … 127.
    public init(_ shape: Shape, radius: Int) throws(ImageError) {
        guard (0...127).contains(radius) else {
            throw .parameter("the radius of the structuring element", radius, mustBe: "in 0 … 127 pixels")
        }
        self.shape = shape
        self.radius = radius
    }

    /// How far the row `dy` above or below the middle reaches to either side.
    func reach(ofRow dy: Int) -> Int {
        switch shape {
        case .square: radius
        case .cross: dy == 0 ? radius : 0
        case .disc: Int(Double(radius * radius - dy * dy).squareRoot())
        }
    }
}
