public import Basics

/// How large the particles are that are looked for: the diameters of the smallest and of the largest kind.
///
/// Everything that tells particles from other structures is measured in them, so that nothing has to be set anew for another
/// voxel size.
public struct ParticleDiameters: Sendable, Hashable, Codable {
    /// In pixels.
    public let smallest: Double
    /// In pixels.
    public let largest: Double

    /// - Parameters: diameters in pixels.
    /// - Throws: ``ImageError`` unless both lie in 1 … 1000 pixels, the smallest first.
    public init(smallest: Double, largest: Double) throws(ImageError) {
        for diameter in [smallest, largest] where !(1...1000).contains(diameter) {
            throw .parameter("a particle's diameter", diameter, mustBe: "in 1 … 1000 pixels")
        }
        guard smallest <= largest else {
            throw .parameter("the smallest diameter", smallest, mustBe: "at most the largest, \(largest) pixels")
        }
        self.smallest = smallest
        self.largest = largest
    }

    /// - Throws: ``ImageError`` unless both are in 1 … 1000 voxels.
    public init(inAngstroms diameters: ClosedRange<Double>, voxelSizeInAngstroms: Double) throws(ImageError) {
        guard voxelSizeInAngstroms > 0, voxelSizeInAngstroms.isFinite else {
            throw .parameter("the voxel size", voxelSizeInAngstroms, mustBe: "above 0 Å")
        }
        try self.init(
            smallest: diameters.lowerBound / voxelSizeInAngstroms, largest: diameters.upperBound / voxelSizeInAngstroms)
    }
}
