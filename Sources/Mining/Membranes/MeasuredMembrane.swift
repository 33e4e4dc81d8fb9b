/// The median of a number over the points of a membrane, and its quartiles.
public struct MembraneQuartiles: Hashable, Codable, Sendable {
    /// A quarter of the points have less.
    public let lower: Double
    /// Half of the points have less.
    public let median: Double
    /// A quarter of the points have more.
    public let upper: Double
    /// The number of points.
    public let count: Int

    /// Nil where there are fewer than `least` values.
    init?(_ values: [Float], least: Int = 1) {
        guard values.count >= max(1, least) else { return nil }
        let sorted = values.sorted()
        func value(_ part: Double) -> Double {
            let place = part * Double(sorted.count - 1)
            let index = Int(place)
            let next = min(index + 1, sorted.count - 1)
            return Double(sorted[index]) + (place - Double(index)) * Double(sorted[next] - sorted[index])
        }
        (lower, median, upper, count) = (value(0.25), value(0.5), value(0.75), sorted.count)
    }
}

/// A piece of membrane: what ``MembraneMeasurement`` measures of its centre surface. What cannot be said is nil.
public struct MeasuredMembrane: Hashable, Codable, Sendable {
    /// The number of the piece, as it was given.
    public let piece: Int
    /// The number of places on its centre surface.
    public let points: Int
    /// The area of the centre surface: of one side, and not of both leaflets. Nil with fewer than 20 points that have a normal.
    public let areaInSquareAngstroms: Double?
    /// The mean curvature H = (k₁ + k₂) / 2 in 1/Å, over the points that neither the rim nor an edge of the volume cuts off from
    /// their neighbours; positive towards the side to which most of the piece bends. Nil with fewer than 20 such points.
    public let meanCurvature: MembraneQuartiles?
    /// The Gaussian curvature K = k₁ k₂ in 1/Å², over the same points.
    public let gaussianCurvature: MembraneQuartiles?
    /// The median radius in Å of the neighbourhoods in which curvatures were fitted.
    public let neighbourhoodInAngstroms: Double?
    /// The root mean square in Å of the points' distances from the fitted quadrics, as the median over the points.
    public let roughnessInAngstroms: Double?
    /// The density across the membrane; nil where no density was given, or fewer than 20 points had one.
    public let profile: MembraneProfile?
    /// The distance in Å along the normal to the next sheet within the limit, to the nearer one where both sides have one. Nil
    /// where no point has one.
    public let spacingInAngstroms: MembraneQuartiles?
    /// The part of the points with a normal that have a next sheet within the limit, 0 … 1.
    public let neighbouredPart: Double?
    /// The part of those points whose next sheet belongs to another piece, 0 … 1.
    public let otherPiecePart: Double?

    /// Below this |H| in 1/Å a piece counts as flat: a sphere of 1 µm.
    public static let flat = 1e-4

    /// The radius in Å of the sphere that bends as the piece: 1 / |H|; nil where it is flat.
    public var sphereRadiusInAngstroms: Double? {
        meanCurvature.flatMap { abs($0.median) < Self.flat ? nil : 1 / abs($0.median) }
    }

    /// The radius in Å of the tube that bends as the piece: 1 / (2 |H|); nil where it is flat.
    public var tubeRadiusInAngstroms: Double? { sphereRadiusInAngstroms.map { $0 / 2 } }

    /// K / H² of the medians: 1 for a sphere, 0 for a tube, negative for a saddle; nil where it is flat.
    public var roundness: Double? {
        guard let gaussianCurvature, let radius = sphereRadiusInAngstroms else { return nil }
        return gaussianCurvature.median * radius * radius
    }
}
