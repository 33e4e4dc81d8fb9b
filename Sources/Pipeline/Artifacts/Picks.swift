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
    /// The standard deviation of its class's probability in its centre; nil where there is one opinion only.
    package var uncertainty: Double?
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
    private static let uncertainty = "uncertainty"

    /// The classes of the network; the first one has the number 1.
    package let classes: [String]
    package let particles: [FoundParticle]

    /// - Parameters:
    ///   - particles: as objects of the catalog; without a confidence or radius they get 0.
    ///   - classes: the classes of the network, which include those of all particles.
    init(_ particles: [FoundObject], classes: [String]) {
        self.classes = classes
        self.particles = particles.map { object in
            var particle = FoundParticle(ParticleTable.Row(object, code: 0), className: object.class)
            particle.uncertainty = object.uncertainty
            return particle
        }
    }

    /// - Throws: ``PipelineError`` where the artifact has other columns, or a class without a name.
    public init(_ artifact: Artifact) throws {
        let classes = try ClassList(artifact).names
        let rows = try ParticleTable(artifact).rows
        let isKnown = artifact.datasets.contains { $0.name == Self.uncertainty }
        let uncertainties = isKnown ? try artifact.read(Self.uncertainty, as: Double.self) : []
        guard uncertainties.isEmpty || uncertainties.count == rows.count else {
            throw PipelineError(
                "the picks \(artifact.digest.abbreviated) have \(rows.count) particles and \(uncertainties.count) uncertainties; "
                    + "`cellar verify` looks for damage")
        }
        particles = try rows.enumerated().map { index, row in
            guard let number = Int(exactly: row.code), classes.indices.contains(number - 1) else {
                throw PipelineError(
                    "the picks \(artifact.digest.abbreviated) have a class that has no name; `cellar verify` looks for damage")
            }
            var particle = FoundParticle(row, className: classes[number - 1])
            particle.uncertainty = uncertainties.isEmpty || uncertainties[index].isNaN ? nil : uncertainties[index]
            return particle
        }
        self.classes = classes
    }

    public func write(to artifact: ArtifactWriter) throws {
        try ClassList.write(classes, to: artifact)
        let rows = particles.map { particle in
            ParticleTable.Row(particle, code: Double((classes.firstIndex(of: particle.className) ?? 0) + 1))
        }
        try ParticleTable(rows).write(to: artifact)
        if particles.contains(where: { $0.uncertainty != nil }) {
            try artifact.write(Self.uncertainty, shape: [particles.count], values: particles.map { $0.uncertainty ?? .nan })
        }
    }
}

/// The dataset `particles` of an artifact (Schema/blobs.md): float64 `[particle][6]`, one row for each particle. An artifact without
/// particles has no such dataset.
struct ParticleTable {
    /// A row: x, y, z, radius, confidence and ``code``.
    struct Row: Hashable, Sendable {
        let centreInAngstroms: SIMD3<Double>
        /// 0 where the radius is not known.
        let radiusInAngstroms: Double
        /// In 0 … 1; 0 where it is not known.
        let confidence: Double
        /// In ``Picks`` the number of the class, from 1. In ``PseudoLabels`` 1 where the particle is cut off, else 0.
        let code: Double
    }

    private static let dataset = "particles"
    private static let columns = 6

    let rows: [Row]

    init(_ rows: [Row]) { self.rows = rows }

    /// Reads the table of an artifact.
    ///
    /// - Throws: ``PipelineError`` where the table has another number of columns.
    init(_ artifact: Artifact) throws {
        guard artifact.datasets.contains(where: { $0.name == Self.dataset }) else {
            rows = []
            return
        }
        let values = try artifact.read(Self.dataset, as: Double.self)
        guard try artifact.description(of: Self.dataset).shape == [values.count / Self.columns, Self.columns] else {
            throw PipelineError(
                "\(artifact.digest.abbreviated) has no table of \(Self.columns) columns; `cellar verify` looks for damage")
        }
        rows = stride(from: 0, to: values.count, by: Self.columns).map { first in
            Row(
                centreInAngstroms: SIMD3(values[first], values[first + 1], values[first + 2]),
                radiusInAngstroms: values[first + 3],
                confidence: values[first + 4], code: values[first + 5])
        }
    }

    func write(to artifact: ArtifactWriter) throws {
        // HDF5 datasets here have at least one element: without particles there is no dataset.
        if rows.isEmpty { return }
        let values = rows.flatMap { row in
            let centre = row.centreInAngstroms
            return [centre.x, centre.y, centre.z, row.radiusInAngstroms, row.confidence, row.code]
        }
        try artifact.write(Self.dataset, shape: [rows.count, Self.columns], values: values)
    }
}

extension ParticleTable.Row {
    /// The row of an object of the catalog.
    init(_ object: FoundObject, code: Double) {
        self.init(
            centreInAngstroms: object.centroidInAngstroms, radiusInAngstroms: object.radiusInAngstroms ?? 0,
            confidence: object.confidence ?? 0, code: code)
    }

    /// The row of a particle that was found.
    init(_ particle: FoundParticle, code: Double) {
        self.init(
            centreInAngstroms: particle.pick.center, radiusInAngstroms: particle.radiusInAngstroms,
            confidence: particle.pick.score, code: code)
    }
}
