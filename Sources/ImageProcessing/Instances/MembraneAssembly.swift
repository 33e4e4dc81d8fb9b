public import Basics

/// Makes the membrane of a slice from what is left of its mask when particles are taken out: its gaps are closed, and thin and
/// long pieces are membrane. The rest is neither: fragments and thick things, which training should ignore rather than learn as background.
///
/// Filaments as thin as a membrane and as long as its pieces cannot be told from it in a slice; tubes that are much wider can.
public struct MembraneAssembly: Sendable, Hashable {
    /// A slice's mask divided in three; each pixel of it that is not an instance's is in one of these two.
    public struct Parts: Sendable, Hashable {
        /// The membrane, with gaps closed and dilated: also pixels that were not in the mask, but none of an instance.
        public let membrane: Mask
        /// Pixels of the mask that are neither an instance's nor the membrane's.
        public let other: Mask
    }

    /// The thickness of a membrane in pixels.
    public let thickness: Double
    /// The least length of a piece, in thicknesses.
    public let shortest: Double
    /// The greatest mean width of a piece, in thicknesses.
    public let widest: Double
    /// Closes gaps.
    public let closing: StructuringElement
    /// Thickens the result.
    public let dilation: StructuringElement

    /// - Parameters:
    ///   - thickness: of a membrane as the mask shows it, in pixels.
    ///   - shortest: the least length of a piece, in thicknesses: its area is at least this times thickness².
    ///   - widest: the greatest mean width of a piece, in thicknesses; infinite for no limit. A membrane that a slice cuts at an
    ///     angle is wider.
    ///   - closing: the radius of the disc that closes gaps, in pixels.
    ///   - dilation: the radius of the disc that thickens the result, in pixels.
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
    ///   - mask: what was segmented, of all kinds.
    ///   - instances: labels of the particles in it, 0 elsewhere.
    /// - Throws: ``ImageError`` where the sizes differ.
    /// - Complexity: linear in the pixels.
    public func callAsFunction(_ mask: Mask, without instances: Image<Int32>) throws(ImageError) -> Parts {
        try mask.requireSize(of: instances)
        let rest = Mask(sizeOf: mask) { rest in
            for index in rest.indices { rest[index] = mask.values[index] && instances.values[index] == 0 }
        }
        // Gaps are closed before pieces are judged: what is torn is not shorter for that.
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

    /// The mean width of each component: four times the mean distance of its pixels to where the background begins, as of
    /// a band. Infinite where there is no background.
    private func meanWidths(of components: Components, in mask: Mask) -> [Double] {
        var sums = [Double](repeating: 0, count: components.count + 1)
        let distances = mask.distancesToBackground()
        for (label, distance) in zip(components.labels.values, distances.values) where label > 0 {
            // The background begins half a pixel before the centre of its nearest pixel.
            sums[Int(label)] += Double(distance) - 0.5
        }
        return zip(sums.dropFirst(), components.areas).map { 4 * $0 / Double($1) }
    }
}
