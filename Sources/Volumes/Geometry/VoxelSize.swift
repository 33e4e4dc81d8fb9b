/// The edge lengths of a voxel in Å.
///
/// A voxel size is always usable: finite and positive along each axis. What a header claims beyond that (zero,
/// negative, absurd) is no voxel size, and is absent instead.
public struct VoxelSize: Hashable, Sendable {
    public let xInAngstroms: Double
    public let yInAngstroms: Double
    public let zInAngstroms: Double

    /// The range of edge lengths in Å that can be a voxel of a tomogram or of a density map.
    public static let plausibleRange = 0.01...10_000.0

    /// Returns nil if an edge is not a plausible length.
    public init?(xInAngstroms: Double, yInAngstroms: Double, zInAngstroms: Double) {
        guard [xInAngstroms, yInAngstroms, zInAngstroms].allSatisfy(Self.plausibleRange.contains) else { return nil }
        self.xInAngstroms = xInAngstroms
        self.yInAngstroms = yInAngstroms
        self.zInAngstroms = zInAngstroms
    }

    /// A cubic voxel.
    public init?(cubicInAngstroms edge: Double) {
        self.init(xInAngstroms: edge, yInAngstroms: edge, zInAngstroms: edge)
    }

    /// Whether two voxel sizes agree within a relative difference of one in a thousand along each axis: the
    /// rounding that headers and people do.
    public func agrees(with other: VoxelSize) -> Bool {
        func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-3 * max(a, b) }
        return close(xInAngstroms, other.xInAngstroms) && close(yInAngstroms, other.yInAngstroms)
            && close(zInAngstroms, other.zInAngstroms)
    }
}

extension VoxelSize: CustomStringConvertible {
    public var description: String {
        xInAngstroms == yInAngstroms && yInAngstroms == zInAngstroms
            ? "\(xInAngstroms) Å" : "\(xInAngstroms) × \(yInAngstroms) × \(zInAngstroms) Å"
    }
}
