import Basics
import BlobStore
import CatalogSchema
import Engine
import Metrics

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
