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
