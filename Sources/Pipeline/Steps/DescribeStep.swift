internal import Basics
public import CatalogSchema
public import Engine
import Foundation
import Volumes

/// Reads a tomogram once: the digest of its voxels, their statistics and histogram, and the voxel size in its header.
///
/// A file that was touched, compressed or given another header is read again, with the same digest: everything that was computed from its
/// voxels stays fresh.
public struct DescribeStep: TypedStep {
    public static let name = "describe"
    public static let version = 3
    public static let scope = ScopeKind.tomogram
    public static let summary = "digest, shape, statistics and histogram of the voxels; voxel size of the header"

    public struct Inputs: Sendable {
        let file = Input.source
    }
    public struct Outputs: Sendable {
        let voxels = ValueOutput<VoxelsDescription>(voxels: "voxels")
        let header = ValueOutput<HeaderDescription>("header")
        package let histogram = ArtifactOutput<TomogramHistogram>("histogram", evictable: false)
    }
    public static let (inputs, outputs) = (Inputs(), Outputs())

    /// The size of the buffer for reading, in bytes.
    private static let bufferBytes = 16 << 20

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let volume = try item.inputs.file.open()
        let survey = try VolumeSurvey.run(volume, bufferBytes: Self.bufferBytes) { _ in try item.checkCancellation() }
        try item.give(\.voxels, VoxelsDescription(survey), digest: survey.digest)
        try item.give(\.header, HeaderDescription(volume.header))
        try item.give(\.histogram, TomogramHistogram(survey.histogram))
        record(survey, volume.header, item)
    }

    private func record(_ survey: VolumeSurvey, _ header: VolumeHeader, _ item: Item<Self>) {
        item.record("size_x", Double(survey.shape.x))
        item.record("size_y", Double(survey.shape.y))
        item.record("size_z", Double(survey.shape.z))
        item.record("non_finite_voxels", Double(survey.nonFiniteCount))
        if let statistics = survey.statistics {
            item.record("density_min", statistics.minimum)
            item.record("density_max", statistics.maximum)
            item.record("density_mean", statistics.mean)
            item.record("density_std", statistics.standardDeviation)
        }
        if let size = header.voxelSize {
            item.record("header_voxel_size_x", size.xInAngstroms)
            item.record("header_voxel_size_y", size.yInAngstroms)
            item.record("header_voxel_size_z", size.zInAngstroms)
        }
    }
}

/// The output `voxels` of `describe`: what the voxels of the tomogram are.
public struct VoxelsDescription: Codable, Sendable {
    /// `[z, y, x]`
    var shape: [Int]
    var scalarType: ScalarType
    /// The digest of the voxels in hexadecimal. Tomograms with the same digest have the same voxels, whatever their files are.
    var digest: String

    init(_ survey: VolumeSurvey) {
        shape = [survey.shape.z, survey.shape.y, survey.shape.x]
        scalarType = survey.scalarType
        digest = survey.digest.hexadecimal
    }
}

/// The output `header` of `describe`: the claims of the header on which results may depend.
public struct HeaderDescription: Codable, Sendable {
    /// x, y, z in Å; nil where the header has no plausible voxel size.
    var voxelSize: [Double]?

    init(_ header: VolumeHeader) {
        voxelSize = header.voxelSize.map { [$0.xInAngstroms, $0.yInAngstroms, $0.zInAngstroms] }
    }
}
