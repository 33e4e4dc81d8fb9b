public import BlobStore
public import Engine
import Mining

/// The descriptors of a tomogram's picks as an artifact (Schema/blobs.md, `descriptors`): a row of float16 for each particle, in the order of the
/// picks.
public struct StoredDescriptors: ArtifactContent {
    public static let kind = "descriptors"
    private static let rows = "rows"

    /// What has to be equal so that rows can be compared: each is an attribute of the artifact.
    package struct Meaning: Hashable, Codable, Sendable {
        private static let (parts, version, radius, tilt, structures) = ("parts", "version", "radius", "tilt", "structures")
        private static let models = "models"

        let parts: String
        let version: Int
        let radiusInAngstroms: Double
        let tiltInDegrees: Double
        let structures: String
        /// The networks whose numbers they hold, with their digests; nil for none.
        let models: String?

        init(
            _ descriptor: ParticleDescriptor, radiusInAngstroms: Double, tiltInDegrees: Double,
            structures: PrepareStep.Structures, models: String? = nil
        ) {
            self.models = models
            parts = descriptor.parts.map(\.rawValue).joined(separator: ",")
            version = ParticleDescriptor.version
            (self.radiusInAngstroms, self.tiltInDegrees, self.structures) = (
                radiusInAngstroms, tiltInDegrees, structures.rawValue
            )
        }

        /// nil where the artifact does not say it.
        init?(_ artifact: Artifact) {
            let attributes = artifact.attributes
            guard case .string(let parts)? = attributes[Self.parts], case .integer(let version)? = attributes[Self.version],
                case .real(let radius)? = attributes[Self.radius], case .real(let tilt)? = attributes[Self.tilt],
                case .string(let structures)? = attributes[Self.structures]
            else { return nil }
            (self.parts, self.version, radiusInAngstroms, tiltInDegrees, self.structures) = (
                parts, Int(version), radius, tilt, structures
            )
            if case .string(let models)? = attributes[Self.models] { self.models = models } else { models = nil }
        }

        func write(to artifact: ArtifactWriter) throws {
            try artifact.setAttribute(Self.parts, .string(parts))
            try artifact.setAttribute(Self.version, .integer(Int64(version)))
            try artifact.setAttribute(Self.radius, .real(radiusInAngstroms))
            try artifact.setAttribute(Self.tilt, .real(tiltInDegrees))
            try artifact.setAttribute(Self.structures, .string(structures))
            if let models { try artifact.setAttribute(Self.models, .string(models)) }
        }
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
        guard let meaning = Meaning(artifact) else {
            throw PipelineError(
                "the descriptors \(artifact.path) do not say what they are; `cellar verify --deep` looks for damage")
        }
        let isEmpty = !artifact.datasets.contains { $0.name == Self.rows }
        let shape = isEmpty ? [0, 0] : try artifact.description(of: Self.rows).shape
        guard shape.count == 2 else {
            throw PipelineError(
                "the descriptors \(artifact.path) have the shape \(shape); `cellar verify --deep` looks for damage")
        }
        (self.meaning, count, dimension, self.artifact) = (meaning, shape[0], shape[1], artifact)
    }

    /// - Parameter rows: the standardised components of each particle.
    /// - Throws: ``MiningError`` where one is beyond the numbers of float16.
    static func write(_ rows: [[Float]], _ meaning: Meaning, to artifact: ArtifactWriter) throws {
        try meaning.write(to: artifact)
        // HDF5 datasets here have at least one element.
        guard let first = rows.first else { return }
        let values = try rows.flatMap { try DescriptorSearch.stored($0).map { Float16(bitPattern: $0) } }
        try artifact.write(self.rows, shape: [rows.count, first.count], values: values)
    }

    /// The bit patterns of all rows, `[particle][component]`.
    package func patterns() throws -> [UInt16] {
        guard count > 0 else { return [] }
        return try artifact.readRows(Self.rows, 0..<count, as: Float16.self).map(\.bitPattern)
    }

    /// All rows, `[particle][component]`.
    package func values() throws -> [Float] { try patterns().map { Float(Float16(bitPattern: $0)) } }
}
