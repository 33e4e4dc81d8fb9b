import Basics
public import BlobStore
import CatalogSchema
public import Engine
import Metrics
import Volumes

/// A particle as artifacts have it.
struct FoundParticle: Sendable {
    let className: String
    /// x, y, z in Å, and the confidence.
    let pick: Pick
    /// 0 where it is not known.
    let radiusInAngstroms: Double
}

/// Particles that a network found in a tomogram, as an artifact (Schema/blobs.md, `picks`).
public struct Picks: StoredContent {
    public static let kind = "picks"
    private static let columns = 6

    /// Of the network, by their numbers from 1.
    let classes: [String]
    let particles: [FoundParticle]

    /// - Parameter classes: of the network; a particle's class is one of them.
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
        let classes = try ClassList.read(artifact)
        // A dataset has at least one element: where there is no particle, there is no dataset.
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
