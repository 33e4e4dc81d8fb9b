import Basics
import Catalog
import CatalogSchema
import CellarKit
import Figures
import Pipeline

/// "More like this": the particles of the collection that are most like one, and pictures of them.
extension ViewerAPI {
    /// A particle that is like another one, or this one itself.
    package struct LikeParticle: Encodable, Sendable {
        /// The id of its tomogram.
        let tomogram: Int64
        let dataset, name: String
        /// Its number in `v_object`, step `pick`.
        let number: Int
        let `class`: String
        /// In voxels, from the centre of the first one.
        let x, y, z: Double
        /// The side of its picture in voxels: all show the same length.
        let side: Int
        /// Of the two descriptors.
        let distance: Double
        /// The part of the pairs of one kind that are at least as far apart; null where the particle has no kind.
        let alike: OrNull<Double>
    }

    package struct LikeParticles: Encodable, Sendable {
        /// The particle itself first, then the nearest.
        let particles: [LikeParticle]
        /// The particles that were compared.
        let compared: Int
        /// The tomograms that were left out: their particles are described in another way, or were picked anew since.
        let others: Int
    }

    /// The part of a particle's diameter that a picture shows.
    private static let pictureDiameters = 2.0

    /// The particles that are most like one; see `cellar similar`.
    ///
    /// - Parameters:
    ///   - number: of the particle in `v_object`, step `pick`.
    ///   - condition: as behind `cellar similar --where`.
    /// - Throws: ``CatalogError`` where there is no such tomogram or particle, or it is not described.
    /// - Complexity: reads the descriptors of all tomograms.
    package func similar(to number: Int, of id: Int64, count: Int, where condition: String? = nil) throws -> LikeParticles {
        let found = try project.similar(
            to: .number(tomogram: Self.reference(id), number), count: count, where: condition, mayWrite: !isReadOnly)
        let own = try project.catalog.results.objects(ofTomogram: id, step: PickStep.name).first { $0.number == number }
        let radius = own?.radiusInAngstroms ?? 100
        let hits = [found.query] + found.hits
        var sizes: [Int64: VoxelSize] = [:]
        for id in Set(hits.map(\.tomogramID)) {
            sizes[id] =
                try project.catalog.results.provenance(step: PickStep.name, scopeID: id)?.voxelSize
                ?? project.catalog.collection.effectiveVoxelSize(ofTomogram: id)
        }
        let particles = try rows(found.sql).compactMap { row -> LikeParticle? in
            guard let place = row["place"]?.integer.map(Int.init), hits.indices.contains(place),
                let size = sizes[hits[place].tomogramID],
                let x = row["x"]?.number, let y = row["y"]?.number, let z = row["z"]?.number
            else { return nil }
            let side = (2 * radius * Self.pictureDiameters / size.xInAngstroms).rounded()
            return LikeParticle(
                tomogram: hits[place].tomogramID, dataset: row["dataset"]?.plainText ?? "",
                name: row["tomogram"]?.plainText ?? "",
                number: hits[place].number, class: row["class"]?.plainText ?? "", x: x / size.xInAngstroms,
                y: y / size.yInAngstroms,
                z: z / size.zInAngstroms,
                side: Int(min(max(side, Double(ParticlePicture.sides.lowerBound)), Double(ParticlePicture.sides.upperBound))),
                distance: hits[place].distance, alike: OrNull(hits[place].alikeness))
        }
        return LikeParticles(particles: particles, compared: found.compared, others: found.others)
    }
}
