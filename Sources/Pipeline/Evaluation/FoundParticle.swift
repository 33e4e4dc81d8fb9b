import Basics
import BlobStore
import Metrics
import Volumes

/// A particle as an artifact has it.
struct FoundParticle {
    let className: String
    let pick: Pick
    let radiusInAngstroms: Double

    /// The particles of a tomogram, as `pick` gives them (Schema/blobs.md, `picks`).
    static func picks(_ artifact: Artifact) throws -> (classes: [String], particles: [FoundParticle]) {
        let classes = try ClassList.read(artifact)
        let particles = try rows(artifact).map { row in
            guard let number = Int(exactly: row[5]), classes.indices.contains(number - 1) else {
                throw PipelineError(
                    "the picks \(artifact.digest.abbreviated) have a class that has no name; `cellar verify` looks for damage")
            }
            return FoundParticle(
                className: classes[number - 1], pick: Pick(center: SIMD3(row[0], row[1], row[2]), score: row[4]),
                radiusInAngstroms: row[3])
        }
        return (classes, particles)
    }

    /// The particles of a slab, as `pseudo-labels` gives them.
    static func pseudoLabels(_ artifact: Artifact) throws -> [FoundParticle] {
        try PseudoLabelsArtifact.particles(artifact).map { particle in
            FoundParticle(
                className: PseudoLabelsArtifact.classes[1],
                pick: Pick(center: particle.centreInAngstroms, score: particle.confidence),
                radiusInAngstroms: particle.radiusInAngstroms)
        }
    }

    /// The rows of the dataset `particles`; none where there is none, as a dataset has at least one element.
    private static func rows(_ artifact: Artifact) throws -> [ArraySlice<Double>] {
        let columns = 6
        guard artifact.datasets.contains(where: { $0.name == "particles" }) else { return [] }
        let values = try artifact.read("particles", as: Double.self)
        guard values.count % columns == 0 else {
            throw PipelineError(
                "\(artifact.digest.abbreviated) has no table of \(columns) columns; `cellar verify` looks for damage")
        }
        return stride(from: 0, to: values.count, by: columns).map { ArraySlice(Array(values[$0..<$0 + columns])) }
    }
}
