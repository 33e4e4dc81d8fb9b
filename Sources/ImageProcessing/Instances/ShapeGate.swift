public import Basics

/// Decides by its shape whether an instance in a slice can be the section of a particle: round, and not larger than particles
/// are. What is not is a piece of something else, mostly of a membrane.
public struct ShapeGate: Sendable, Hashable {
    /// What the gate says of an instance.
    public enum Verdict: String, Codable, CaseIterable, Hashable, Sendable {
        case accepted
        /// Smaller than ``ShapeGate/areas``.
        case tooSmall
        /// Larger than ``ShapeGate/areas``.
        case tooLarge
        /// Its ``InstanceShape/aspectRatio`` is too small.
        case tooLong
        /// Its ``InstanceShape/ellipseFill`` is too small: a ring, a crescent, a bow.
        case tooHollow
        /// Its ``InstanceShape/circularity`` is too small: its outline winds.
        case tooRagged
    }

    /// The areas of sections, in pixels.
    public let areas: ClosedRange<Double>
    public let aspectRatio: Double
    public let ellipseFill: Double
    public let circularity: Double

    /// - Parameters:
    ///   - diameters: of the particles looked for.
    ///   - smallestSection: the diameter of the smallest section, in smallest diameters: slices also cut particles near
    ///     their poles.
    ///   - largestSection: the diameter of the largest section, in largest diameters; infinite for no limit.
    ///   - aspectRatio: the least ratio of the shorter to the longer axis.
    ///   - ellipseFill: the least part of its ellipse that an instance fills.
    ///   - circularity: the least 4πA/P². Segmented particles are ragged; it is low.
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

    /// The first of the reasons, in the order of ``Verdict``, or that there is none.
    public func callAsFunction(_ shape: InstanceShape) -> Verdict {
        if Double(shape.area) < areas.lowerBound { return .tooSmall }
        if Double(shape.area) > areas.upperBound { return .tooLarge }
        if shape.aspectRatio < aspectRatio { return .tooLong }
        if shape.ellipseFill < ellipseFill { return .tooHollow }
        if shape.circularity < circularity { return .tooRagged }
        return .accepted
    }
}

/// The instances of a slice, with what the gate said of each.
public struct GatedInstances: Sendable, Hashable {
    /// The accepted instances under their own labels, 0 elsewhere: labels of rejected ones are missing.
    public let labels: Image<Int32>
    /// The shapes of the accepted, in the order of their labels.
    public let accepted: [InstanceShape]
    /// The shapes of the rejected, each with the reason.
    public let rejected: [Rejected]

    /// An instance that is no particle.
    public struct Rejected: Sendable, Hashable {
        public let shape: InstanceShape
        public let reason: ShapeGate.Verdict
    }
}

extension ShapeGate {
    /// Passes all instances of a slice.
    ///
    /// - Throws: ``ImageError`` where labels are not 0 … n.
    /// - Complexity: two passes over the pixels.
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
