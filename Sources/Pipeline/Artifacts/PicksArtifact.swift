import BlobStore
import CatalogSchema

/// Particles that a network found in a tomogram, as an artifact (Schema/blobs.md, `picks`).
enum PicksArtifact {
    static let kind = "picks"

    /// - Parameter classes: of the network; a particle's class is one of them.
    static func write(_ particles: [FoundObject], classes: [String], to artifact: ArtifactWriter) throws {
        try artifact.setAttribute("classes", .string(classes.joined(separator: ",")))
        // A dataset has at least one element.
        if particles.isEmpty { return }
        let rows = particles.flatMap { particle in
            let centre = particle.centroidInAngstroms
            let number = Double((classes.firstIndex(of: particle.class) ?? 0) + 1)
            return [centre.x, centre.y, centre.z, particle.radiusInAngstroms ?? 0, particle.confidence ?? 0, number]
        }
        try artifact.write("particles", shape: [particles.count, 6], values: rows)
    }
}
