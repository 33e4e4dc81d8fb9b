/// The edge lengths of a voxel in Å.
///
/// Every voxel size is plausible: each edge lies in ``plausibleRange``. If a header gives another one (zero, negative,
/// absurd), the voxel size is nil.
public struct VoxelSize: Hashable, Sendable {
    public let xInAngstroms: Double
    public let yInAngstroms: Double
    public let zInAngstroms: Double

    /// The plausible edge lengths in Å of a voxel of a tomogram or a density map.
    public static let plausibleRange = 0.01...10_000.0

    /// Returns nil if an edge is not a plausible length.
    public init?(xInAngstroms: Double, yInAngstroms: Double, zInAngstroms: Double) {
        guard [xInAngstroms, yInAngstroms, zInAngstroms].allSatisfy(Self.plausibleRange.contains) else { return nil }
        self.xInAngstroms = xInAngstroms
        self.yInAngstroms = yInAngstroms
        self.zInAngstroms = zInAngstroms
    }

    /// A cubic voxel; nil if the edge is not a plausible length.
    public init?(cubicInAngstroms edge: Double) {
        self.init(xInAngstroms: edge, yInAngstroms: edge, zInAngstroms: edge)
    }

    /// Whether two voxel sizes differ by at most 10⁻³ (relative) along each axis. Headers and people round this much.
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
