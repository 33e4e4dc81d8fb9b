public import Basics

/// Extracts the membrane of a slice from its mask without particles: gaps are closed, and components that are thin and long
/// become membrane. The others, fragments and thick structures, are neither membrane nor particle. Training should ignore
/// them instead of learning them as background.
///
/// Filaments that are as thin as a membrane and as long as its pieces cannot be distinguished from it in a slice; much wider
/// tubes can.
public struct MembraneAssembly: Sendable, Hashable {
    /// The pixels of a mask outside of the instances, divided into two parts.
    public struct Parts: Sendable, Hashable {
        /// The membrane, closed and dilated. It may include pixels outside of the mask, but none of an instance.
        public let membrane: Mask
        /// The pixels of the mask that belong neither to an instance nor to the membrane.
        public let other: Mask
    }

    /// The thickness of a membrane in pixels.
    public let thickness: Double
    /// The least length of a component, as a multiple of the thickness.
    public let shortest: Double
    /// The greatest mean width of a component, as a multiple of the thickness.
    public let widest: Double
    /// The disc that closes gaps.
    public let closing: StructuringElement
    /// The disc that dilates the membrane.
    public let dilation: StructuringElement

    /// - Parameters:
    ///   - thickness: the thickness of a membrane in the mask, in pixels; above 0, at most 1000.
    ///   - shortest: the least length of a component, as a multiple of the thickness: its area is at least `shortest` ·
    ///     thickness².
    ///   - widest: the greatest mean width of a component, as a multiple of the thickness; infinite for no limit. A membrane that
    ///     is oblique to the slice is wider.
    ///   - closing: the radius of the disc that closes gaps, in pixels.
    ///   - dilation: the radius of the disc that dilates the membrane, in pixels.
    /// - Throws: ``ImageError`` where a parameter is out of range.
    public init(
        thickness: Double, shortest: Double = 12, widest: Double = 3.5, closing: Int = 1, dilation: Int = 0
    ) throws(ImageError) {
        guard thickness > 0, thickness <= 1000 else {
            throw .parameter("a membrane's thickness", thickness, mustBe: "above 0, up to 1000 pixels")
        }
        guard (0...1_000_000).contains(shortest) else {
            throw .parameter("the least length of a piece", shortest, mustBe: "in 0 … 1 000 000 thicknesses")
        }
        guard widest > 0 else { throw .parameter("the greatest width of a piece", widest, mustBe: "above 0 thicknesses") }
        self.thickness = thickness
        (self.shortest, self.widest) = (shortest, widest)
        self.closing = try StructuringElement(.disc, radius: closing)
        self.dilation = try StructuringElement(.disc, radius: dilation)
    }

    /// - Parameters:
    ///   - mask: the segmentation `[y][x]`, of all structures.
    ///   - instances: the labels of the particles in it, `[y][x]`, 0 elsewhere.
    /// - Throws: ``ImageError`` where the sizes differ.
    /// - Complexity: linear in the pixels, times the radii of closing and dilation.
    public func callAsFunction(_ mask: Mask, without instances: Image<Int32>) throws(ImageError) -> Parts {
        try mask.requireSize(of: instances)
        let rest = Mask(sizeOf: mask) { rest in
            for index in rest.indices { rest[index] = mask.values[index] && instances.values[index] == 0 }
        }
        // Gaps are closed first, so that a torn membrane keeps its length.
        let closed = closing.radius == 0 ? rest : rest.closed(by: closing)
        let pieces = closed.components()
        let widths = meanWidths(of: pieces, in: closed)
        var grown = pieces.mask {
            Double(pieces.areas[$0 - 1]) >= shortest * thickness * thickness && widths[$0 - 1] <= widest * thickness
        }
        if dilation.radius > 0 { grown = grown.dilated(by: dilation) }
        let membrane = Mask(sizeOf: mask) { membrane in
            for index in membrane.indices { membrane[index] = grown.values[index] && instances.values[index] == 0 }
        }
        let other = Mask(sizeOf: mask) { other in
            for index in other.indices { other[index] = rest.values[index] && !membrane.values[index] }
        }
        return Parts(membrane: membrane, other: other)
    }

    /// The mean width of each component: four times the mean distance of its pixels to the edge of the background, which is
    /// exact for a band. Infinite where there is no background.
    private func meanWidths(of components: Components, in mask: Mask) -> [Double] {
        var sums = [Double](repeating: 0, count: components.count + 1)
        let distances = mask.distancesToBackground()
        for (label, distance) in zip(components.labels.values, distances.values) where label > 0 {
            // The edge of the background is half a pixel before the centre of its nearest pixel.
            sums[Int(label)] += Double(distance) - 0.5
        }
        return zip(sums.dropFirst(), components.areas).map { 4 * $0 / Double($1) }
    }
}
