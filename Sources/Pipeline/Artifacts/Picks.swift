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

extension FoundParticle {
    init(_ row: ParticleTable.Row, className: String) {
        self.init(
            className: className, pick: Pick(center: row.centreInAngstroms, score: row.confidence),
            radiusInAngstroms: row.radiusInAngstroms)
    }
}

/// The particles that a network found in a tomogram, as an artifact (Schema/blobs.md, `picks`): a table with a row for each particle.
public struct Picks: StoredContent {
    public static let kind = "picks"

    /// The classes of the network; the first one has the number 1.
    package let classes: [String]
    package let particles: [FoundParticle]

    /// - Parameters:
    ///   - particles: as objects of the catalog; without a confidence or radius they get 0.
    ///   - classes: the classes of the network, which include those of all particles.
    init(_ particles: [FoundObject], classes: [String]) {
        self.classes = classes
        self.particles = particles.map { FoundParticle(ParticleTable.Row($0, code: 0), className: $0.class) }
    }

    /// - Throws: ``PipelineError`` where the artifact has other columns, or a class without a name.
    public init(_ artifact: Artifact) throws {
        let classes = try ClassList(artifact).names
        particles = try ParticleTable(artifact).rows.map { row in
            guard let number = Int(exactly: row.code), classes.indices.contains(number - 1) else {
                throw PipelineError(
                    "the picks \(artifact.digest.abbreviated) have a class that has no name; `cellar verify` looks for damage")
            }
            return FoundParticle(row, className: classes[number - 1])
        }
        self.classes = classes
    }

    public func write(to artifact: ArtifactWriter) throws {
        try ClassList.write(classes, to: artifact)
        let rows = particles.map { particle in
            ParticleTable.Row(particle, code: Double((classes.firstIndex(of: particle.className) ?? 0) + 1))
        }
        try ParticleTable(rows).write(to: artifact)
    }
}
