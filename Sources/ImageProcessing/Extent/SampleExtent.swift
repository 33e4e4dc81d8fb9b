import Foundation
public import Volumes

/// Where a sample (a lamella, a film of ice) begins and ends in a tomogram: two planes that may be tilted. Either may be unknown.
///
/// Coordinates are in voxels from the centre of the first voxel. A surface is nil where it was not found: because the sample
/// reaches beyond the volume there, or because nothing tells inside from outside.
public struct SampleExtent: Codable, Hashable, Sendable {
    /// The surface at which the sample begins, with the smaller z.
    public let lower: SurfacePlane?
    /// The surface at which it ends, with the larger z.
    public let upper: SurfacePlane?

    public init(lower: SurfacePlane?, upper: SurfacePlane?) {
        self.lower = lower
        self.upper = upper
    }

    /// The lesser ``SurfacePlane/confidence`` of the surfaces that were found; 0 where none was.
    public var confidence: Double { [lower, upper].compactMap { $0?.confidence }.min() ?? 0 }

    /// The distance of the surfaces along z at the middle of the slices, in voxels; nil unless both were found.
    public var thickness: Double? {
        guard let lower, let upper else { return nil }
        return upper.z - lower.z
    }

    /// Whether the surfaces are parallel to a tenth of a voxel for each voxel along x and along y (6°), or one of them is missing. Lamellae
    /// are wedges of a few degrees at most: where the surfaces differ by more, at least one of the planes is wrong.
    var isNearlyParallel: Bool {
        guard let lower, let upper else { return true }
        return max(abs(lower.slopeX - upper.slopeX), abs(lower.slopeY - upper.slopeY)) <= 0.1
    }

    /// Whether a place lies between the surfaces, or at most a margin beyond one of them. A surface that was not found excludes
    /// nothing.
    ///
    /// - Parameters:
    ///   - position: x, y, z in voxels.
    ///   - margin: how far beyond a surface, along z, in voxels.
    public func contains(_ position: SIMD3<Double>, margin: Double = 0) -> Bool {
        if let lower, !Self.isAbove(position.z, lower.height(x: position.x, y: position.y), margin) { return false }
        if let upper, !Self.isBelow(position.z, upper.height(x: position.x, y: position.y), margin) { return false }
        return true
    }

    /// The two comparisons that decide what is inside, for places and for slices.
    static func isAbove(_ z: Double, _ lower: Double, _ margin: Double) -> Bool { z >= lower - margin }
    static func isBelow(_ z: Double, _ upper: Double, _ margin: Double) -> Bool { z <= upper + margin }

    /// The angle in degrees between z and the normal of the sample, the mean of the surfaces that were found; nil where none was.
    public func tiltInDegrees(_ voxelSize: VoxelSize) -> Double? { cosine(voxelSize).map { acos($0) * 180 / .pi } }

    /// The distance of the surfaces in Å along the normal of the sample, at the middle of the slices; nil unless both were found.
    public func thicknessInAngstroms(_ voxelSize: VoxelSize) -> Double? {
        guard let thickness, let cosine = cosine(voxelSize) else { return nil }
        return thickness * voxelSize.zInAngstroms * cosine
    }

    /// The cosine of the tilt. A plane z = a x + b y has the normal (−a, −b, 1).
    private func cosine(_ voxelSize: VoxelSize) -> Double? {
        let planes = [lower, upper].compactMap { $0 }
        guard !planes.isEmpty else { return nil }
        let (count, edge) = (Double(planes.count), voxelSize.zInAngstroms)
        let x = planes.reduce(0) { $0 + $1.slopeX } / count * edge / voxelSize.xInAngstroms
        let y = planes.reduce(0) { $0 + $1.slopeY } / count * edge / voxelSize.yInAngstroms
        return 1 / (1 + x * x + y * y).squareRoot()
    }
}

/// One surface of a sample, as a plane: z(x, y) = z + slopeX · (x − middleX) + slopeY · (y − middleY). All is in voxels from the
/// centre of the first voxel.
public struct SurfacePlane: Codable, Hashable, Sendable {
    /// The x of the middle of the slices.
    public let middleX: Double
    /// The y of the middle of the slices.
    public let middleY: Double
    /// The height at the middle of the slices, in voxels: 0 at the middle of the first slice, −0.5 at its lower end.
    public let z: Double
    /// By how many voxels the surface rises with each voxel along x.
    public let slopeX: Double
    /// By how many voxels the surface rises with each voxel along y.
    public let slopeY: Double
    /// The part of the columns in which power rises inwards at the surface, less the part in which it falls, 0 … 1: see ``SampleExtentFinder``.
    public let confidence: Double

    public init(middleX: Double, middleY: Double, z: Double, slopeX: Double, slopeY: Double, confidence: Double) {
        self.middleX = middleX
        self.middleY = middleY
        self.z = z
        self.slopeX = slopeX
        self.slopeY = slopeY
        self.confidence = confidence
    }

    /// The z of the surface over (x, y), in voxels. It may lie outside of the volume.
    public func height(x: Double, y: Double) -> Double { z + slopeX * (x - middleX) + slopeY * (y - middleY) }
}
