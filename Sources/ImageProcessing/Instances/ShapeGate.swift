public import Basics

/// A test of the shape of an instance in a slice: it can be the section of a particle if it is round and not larger than
/// particles. Rejected instances are mostly pieces of membrane.
public struct ShapeGate: Sendable, Hashable {
    /// The result of the test.
    public enum Verdict: String, Codable, CaseIterable, Hashable, Sendable {
        /// The instance can be a section of a particle.
        case accepted
        /// The area is below ``ShapeGate/areas``.
        case tooSmall
        /// The area is above ``ShapeGate/areas``.
        case tooLarge
        /// The ``InstanceShape/aspectRatio`` is too small.
        case tooLong
        /// The ``InstanceShape/ellipseFill`` is too small: a ring, a crescent or a bow.
        case tooHollow
        /// The ``InstanceShape/circularity`` is too small: the outline winds.
        case tooRagged
    }

    /// The allowed areas, in pixels.
    public let areas: ClosedRange<Double>
    /// The least ``InstanceShape/aspectRatio``.
    public let aspectRatio: Double
    /// The least ``InstanceShape/ellipseFill``.
    public let ellipseFill: Double
    /// The least ``InstanceShape/circularity``.
    public let circularity: Double

    /// - Parameters:
    ///   - diameters: the diameters of the particles.
    ///   - smallestSection: the diameter of the smallest allowed section, as a multiple of the smallest particle diameter, in
    ///     0 … 1. It is small because slices also cut particles near their poles.
    ///   - largestSection: the diameter of the largest allowed section, as a multiple of the largest particle diameter, in
    ///     1 … 10, or infinite for no limit.
    ///   - aspectRatio: the least ratio of the shorter to the longer axis, in 0 … 1.
    ///   - ellipseFill: the least area as a fraction of the ellipse with the same variances, in 0 … 1.
    ///   - circularity: the least 4πA/P², in 0 … 1. It is low because segmented particles are ragged.
    /// - Throws: ``ImageError`` where a parameter is out of range.
    public init(
        _ diameters: ParticleDiameters, smallestSection: Double = 0.25, largestSection: Double = 1.3, aspectRatio: Double = 0.4,
        ellipseFill: Double = 0.6, circularity: Double = 0.3
    ) throws(ImageError) {
        guard (0...1).contains(smallestSection) else {
            throw .parameter("the smallest section", smallestSection, mustBe: "in 0 … 1 diameters")
        }
        guard (1...10).contains(largestSection) || largestSection == .infinity else {
            throw .parameter("the largest section", largestSection, mustBe: "in 1 … 10 diameters, or infinite")
        }
        for (name, value) in [("aspect ratio", aspectRatio), ("filled part", ellipseFill), ("circularity", circularity)]
        where !(0...1).contains(value) {
            throw .parameter("the least \(name)", value, mustBe: "in 0 … 1")
        }
        let (small, large) = (smallestSection * diameters.smallest, largestSection * diameters.largest)
        areas = .pi / 4 * small * small ... .pi / 4 * large * large
        (self.aspectRatio, self.ellipseFill, self.circularity) = (aspectRatio, ellipseFill, circularity)
    }

    /// The first reason to reject the shape, in the order of ``Verdict``, or `accepted`.
    public func callAsFunction(_ shape: InstanceShape) -> Verdict {
        if Double(shape.area) < areas.lowerBound { return .tooSmall }
        if Double(shape.area) > areas.upperBound { return .tooLarge }
        if shape.aspectRatio < aspectRatio { return .tooLong }
        if shape.ellipseFill < ellipseFill { return .tooHollow }
        if shape.circularity < circularity { return .tooRagged }
        return .accepted
    }
}

/// The instances of a slice, divided into accepted and rejected ones by a ``ShapeGate``.
public struct GatedInstances: Sendable, Hashable {
    /// The labels of the accepted instances, `[y][x]`, 0 elsewhere. Instances keep their labels.
    public let labels: Image<Int32>
    /// The shapes of the accepted instances, in the order of their labels.
    public let accepted: [InstanceShape]
    /// The shapes of the rejected instances, each with its reason, in the order of their labels.
    public let rejected: [Rejected]

    /// An instance that cannot be a section of a particle.
    public struct Rejected: Sendable, Hashable {
        /// The shape of the instance.
        public let shape: InstanceShape
        /// The first test that it failed.
        public let reason: ShapeGate.Verdict
    }
}

extension ShapeGate {
    /// Tests all instances of a slice, given as labels `[y][x]` with 0 for background.
    ///
    /// - Throws: ``ImageError`` where a label is negative or larger than the number of pixels.
    /// - Complexity: three passes over the pixels.
    public func callAsFunction(_ labels: Image<Int32>) throws(ImageError) -> GatedInstances {
        let shapes = try labels.instanceShapes()
        var table = [Int32](repeating: 0, count: Int(shapes.last?.label ?? 0) + 1)
        var accepted: [InstanceShape] = []
        var rejected: [GatedInstances.Rejected] = []
        for shape in shapes {
            let verdict = self(shape)
            if verdict == .accepted {
                accepted.append(shape)
                table[Int(shape.label)] = shape.label
            } else {
                rejected.append(GatedInstances.Rejected(shape: shape, reason: verdict))
            }
        }
        return GatedInstances(labels: labels.relabelled(by: table), accepted: accepted, rejected: rejected)
    }
}

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
