public import Basics

/// How membranes are measured: see ``MembraneMeasurement``. Lengths are in Å.
public struct MembraneParameters: Hashable, Sendable {
    /// The least radius of the neighbourhood in which a curvature is fitted: 60, and at least 5 voxels.
    public let leastRadiusInAngstroms: Double
    /// The greatest radius of that neighbourhood: 200, and at least 10 voxels. Within both, it is half the radius of curvature.
    public let greatestRadiusInAngstroms: Double
    /// How far density profiles reach on both sides: 150.
    public let profileReachInAngstroms: Double
    /// How far the next sheet is looked for: 600.
    public let spacingLimitInAngstroms: Double

    /// - Throws: ``MiningError`` unless the least radius is in 10 … 10,000 Å, the greatest in the least … 10,000 Å, the reach in
    ///   20 … 1000 Å, and the limit in 10 … 100,000 Å.
    public init(
        leastRadiusInAngstroms: Double = 60, greatestRadiusInAngstroms: Double = 200, profileReachInAngstroms: Double = 150,
        spacingLimitInAngstroms: Double = 600
    ) throws(MiningError) {
        guard (10...10_000).contains(leastRadiusInAngstroms) else {
            throw .parameter("the least radius of a neighbourhood", leastRadiusInAngstroms, mustBe: "in 10 … 10000 Å")
        }
        guard greatestRadiusInAngstroms >= leastRadiusInAngstroms, greatestRadiusInAngstroms <= 10_000 else {
            throw .parameter(
                "the greatest radius of a neighbourhood", greatestRadiusInAngstroms,
                mustBe: "in \(leastRadiusInAngstroms) … 10000 Å")
        }
        guard (20...1000).contains(profileReachInAngstroms) else {
            throw .parameter("the reach of a density profile", profileReachInAngstroms, mustBe: "in 20 … 1000 Å")
        }
        guard (10...100_000).contains(spacingLimitInAngstroms) else {
            throw .parameter("the limit of spacings", spacingLimitInAngstroms, mustBe: "in 10 … 100000 Å")
        }
        self.leastRadiusInAngstroms = leastRadiusInAngstroms
        self.greatestRadiusInAngstroms = greatestRadiusInAngstroms
        self.profileReachInAngstroms = profileReachInAngstroms
        self.spacingLimitInAngstroms = spacingLimitInAngstroms
    }
}
