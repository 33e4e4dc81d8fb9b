public import Basics

/// What counts as a compartment of its own: see ``CompartmentFinder``.
public struct CompartmentParameters: Hashable, Sendable {
    /// A gap in a membrane is closed where no larger ball than one of this radius in Å can pass: 50.
    public let closingRadiusInAngstroms: Double
    /// A compartment with a wider gap stays one of its own where the radius of its greatest ball is at least this many times the
    /// radius of the gap: 2.
    public let openRatio: Double
    /// The same for a closed gap: 1.75. With less, a vesicle with a hole nearly as wide as itself is a compartment; but a tube
    /// falls apart at each place where it is a little narrower.
    public let closedRatio: Double
    /// The part of a compartment's surface that may be gap, at most: 0.12. A space of which more is open is a bay of its
    /// neighbour.
    public let mostOpenPart: Double
    /// Smaller regions in nm³ join the neighbour to which they have the widest gap, or are left out where they have none: 500.
    public let leastVolumeInCubicNanometers: Double
    /// The memory in bytes that the search may have: 512 MiB. The volume is binned so far that it fits.
    public let memoryInBytes: Int

    /// - Throws: ``MiningError`` unless the radius is in 0 … 10,000 Å, the ratios in 1.1 … 100, the open part in 0 … 1, the least
    ///   volume in 0 … 10¹² nm³, and the memory at least 1 MiB.
    public init(
        closingRadiusInAngstroms: Double = 50, openRatio: Double = 2, closedRatio: Double = 1.75, mostOpenPart: Double = 0.12,
        leastVolumeInCubicNanometers: Double = 500, memoryInBytes: Int = 512 << 20
    ) throws(MiningError) {
        guard (0...10_000).contains(closingRadiusInAngstroms) else {
            throw .parameter("the closing radius", closingRadiusInAngstroms, mustBe: "in 0 … 10000 Å")
        }
        guard (1.1...100).contains(openRatio) else {
            throw .parameter("the open ratio", openRatio, mustBe: "in 1.1 … 100")
        }
        guard (1.1...100).contains(closedRatio) else {
            throw .parameter("the closed ratio", closedRatio, mustBe: "in 1.1 … 100")
        }
        guard (0...1).contains(mostOpenPart) else {
            throw .parameter("the open part of a compartment's surface", mostOpenPart, mustBe: "in 0 … 1")
        }
        guard (0...1e12).contains(leastVolumeInCubicNanometers) else {
            throw .parameter("the least volume of a compartment", leastVolumeInCubicNanometers, mustBe: "in 0 … 10¹² nm³")
        }
        guard memoryInBytes >= 1 << 20 else {
            throw .parameter("the memory of the search for compartments", memoryInBytes, mustBe: "at least 1048576 bytes")
        }
        self.closingRadiusInAngstroms = closingRadiusInAngstroms
        self.openRatio = openRatio
        self.closedRatio = closedRatio
        self.mostOpenPart = mostOpenPart
        self.leastVolumeInCubicNanometers = leastVolumeInCubicNanometers
        self.memoryInBytes = memoryInBytes
    }
}
