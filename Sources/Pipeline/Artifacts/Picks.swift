import Basics
public import BlobStore
import CatalogSchema
public import Engine
package import Metrics
import Volumes

/// A particle of a network or of pseudo-labels: its class, position, confidence and radius.
package struct FoundParticle: Sendable {
    package let className: String
    /// The centre x, y, z in Å, and the confidence.
    package let pick: Pick
    /// 0 where the radius is not known.
    package let radiusInAngstroms: Double
}

/// The particles that a network found in a tomogram, as an artifact (Schema/blobs.md, `picks`): a table with a row for each particle.
public struct Picks: StoredContent {
    public static let kind = "picks"
    /// x, y, z, radius in Å, score, class from 1.
    private static let columns = 6

    /// The classes of the network; the first one has the number 1.
    package let classes: [String]
    package let particles: [FoundParticle]

    /// - Parameters:
    ///   - particles: as objects of the catalog; without a confidence or radius they get 0.
    ///   - classes: the classes of the network, which include those of all particles.
    init(_ particles: [FoundObject], classes: [String]) {
        self.classes = classes
        self.particles = particles.map { particle in
            FoundParticle(
                className: particle.class, pick: Pick(center: particle.centroidInAngstroms, score: particle.confidence ?? 0),
                radiusInAngstroms: particle.radiusInAngstroms ?? 0)
        }
    }

    /// - Throws: ``PipelineError`` where the artifact has other columns, or a class without a name.
    public init(_ artifact: Artifact) throws {
        let classes = try ClassList(artifact).names
        // HDF5 datasets here have at least one element: without particles there is no dataset.
        let isEmpty = !artifact.datasets.contains { $0.name == "particles" }
        let values = isEmpty ? [] : try artifact.read("particles", as: Double.self)
        guard values.count % Self.columns == 0 else {
            throw PipelineError(
                "\(artifact.digest.abbreviated) has no table of \(Self.columns) columns; `cellar verify` looks for damage")
        }
        particles = try stride(from: 0, to: values.count, by: Self.columns).map { first in
            let row = Array(values[first..<first + Self.columns])
            guard let number = Int(exactly: row[5]), classes.indices.contains(number - 1) else {
                throw PipelineError(
                    "the picks \(artifact.digest.abbreviated) have a class that has no name; `cellar verify` looks for damage")
            }
            return FoundParticle(
                className: classes[number - 1], pick: Pick(center: SIMD3(row[0], row[1], row[2]), score: row[4]),
                radiusInAngstroms: row[3])
        }
        self.classes = classes
    }

    public func write(to artifact: ArtifactWriter) throws {
        try ClassList.write(classes, to: artifact)
        if particles.isEmpty { return }
        let rows = particles.flatMap { particle in
            let centre = particle.pick.center
            let number = Double((classes.firstIndex(of: particle.className) ?? 0) + 1)
            return [centre.x, centre.y, centre.z, particle.radiusInAngstroms, particle.pick.score, number]
        }
        try artifact.write("particles", shape: [particles.count, Self.columns], values: rows)
    }
}
