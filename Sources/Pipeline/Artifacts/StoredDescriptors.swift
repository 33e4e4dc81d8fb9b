public import BlobStore
public import Engine
import Mining

/// The descriptors of a tomogram's picks as an artifact (Schema/blobs.md, `descriptors`): a row of float16 for each particle, in the order of the
/// picks.
public struct StoredDescriptors: ArtifactContent {
    public static let kind = "descriptors"
    private static let (rows, parts, version, radius) = ("rows", "parts", "version", "radius")

    /// What has to be equal so that rows can be compared.
    package struct Meaning: Hashable, Sendable {
        let parts: String
        let version: Int
        let radiusInAngstroms: Double
    }

    /// What the components mean.
    package let meaning: Meaning
    /// The number of particles.
    package let count: Int
    /// The number of components of each; 0 where there is no particle.
    package let dimension: Int
    private let artifact: Artifact

    /// - Throws: ``PipelineError`` where the artifact holds no descriptors.
    public init(_ artifact: Artifact) throws {
        let attributes = artifact.attributes
        guard case .string(let parts)? = attributes[Self.parts], case .integer(let version)? = attributes[Self.version],
            case .real(let radius)? = attributes[Self.radius]
        else {
            throw PipelineError(
                "the descriptors \(artifact.path) do not say what they are; `cellar verify --deep` looks for damage")
        }
        meaning = Meaning(parts: parts, version: Int(version), radiusInAngstroms: radius)
        let isEmpty = !artifact.datasets.contains { $0.name == Self.rows }
        let shape = isEmpty ? [0, 0] : try artifact.description(of: Self.rows).shape
        guard shape.count == 2 else {
            throw PipelineError(
                "the descriptors \(artifact.path) have the shape \(shape); `cellar verify --deep` looks for damage")
        }
        (count, dimension, self.artifact) = (shape[0], shape[1], artifact)
    }

    /// - Parameter rows: the standardised components of each particle.
    static func write(
        _ rows: [[Float]], of descriptor: ParticleDescriptor, radiusInAngstroms: Double, to artifact: ArtifactWriter
    ) throws {
        try artifact.setAttribute(parts, .string(descriptor.parts.map(\.rawValue).joined(separator: ",")))
        try artifact.setAttribute(version, .integer(Int64(ParticleDescriptor.version)))
        try artifact.setAttribute(radius, .real(radiusInAngstroms))
        // HDF5 datasets here have at least one element.
        guard !rows.isEmpty else { return }
        try artifact.write(self.rows, shape: [rows.count, descriptor.count], values: rows.flatMap { $0.map { Float16($0) } })
    }

    /// The bit patterns of all rows, `[particle][component]`.
    package func patterns() throws -> [UInt16] {
        guard count > 0 else { return [] }
        return try artifact.readRows(Self.rows, 0..<count, as: Float16.self).map(\.bitPattern)
    }
}
