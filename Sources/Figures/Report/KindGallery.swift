import Basics
import Catalog
import CatalogSchema
import Engine
import Pipeline
import Rendering
import Volumes

/// Rows of pictures of particles, one for each kind, from the surest particle of the kind to the least sure one.
///
/// A row shows particles at even distances in the order of `v_object.kind_certainty`, and so the doubtful ones as well as the clear ones.
/// All pictures of a gallery show the same length, so that kinds are compared at one scale.
struct KindGallery {
    /// The pictures of a row, at most.
    static let columns = 10
    /// The kinds with a row, at most: the largest.
    static let rows = 16
    /// The side of a picture in pixels.
    private static let side = 96
    /// The part of the largest particle's diameter that a picture shows.
    private static let diameters = 2.0

    /// The pictures of a kind.
    struct Row {
        let caption: String
        let sheet: RGBImage
    }

    /// By the number of the kind.
    let kinds: [Row]
    /// The reasons for which tomograms could not be read, once each.
    let failures: [String]

    private struct Particle {
        let kind, tomogram, of: Int64
        let name: String?
        let certainty: Double
        let place: SIMD3<Double>
        let radius: Double
    }

    /// Draws the gallery.
    ///
    /// - Parameter condition: an SQL expression over `v_object`, of the particles that may be shown.
    /// - Throws: ``CatalogError`` where the database cannot be read. A tomogram whose file cannot be read is no error: its particles
    ///   are missing, and ``failures`` says why.
    /// - Complexity: one pass over the rows of the particles; a box of voxels for each picture, at most ``rows`` × ``columns``.
    init(of catalog: Catalog, in connection: QueryConnection, where condition: String) throws {
        let particles = try Self.particles(in: connection, where: condition)
        let length = Self.diameters * 2 * (particles.map(\.radius).max() ?? 0)
        var failures: [String] = []
        var pictures: [Int: RGBImage] = [:]
        // One tomogram after the other, so that one file is open at a time.
        for (tomogram, indices) in Dictionary(grouping: particles.indices, by: { particles[$0].tomogram }).sorted(by: {
            $0.key < $1.key
        }) {
            do {
                guard
                    let size = try catalog.results.provenance(step: MeasurePicksStep.name, scopeID: tomogram)?.voxelSize
                        ?? catalog.collection.effectiveVoxelSize(ofTomogram: tomogram)
                else { continue }
                let volume = try catalog.collection.tomogram(named: "id:\(tomogram)").location.open()
                let side = Int(min(length / size.xInAngstroms, Double(ParticlePicture.sides.upperBound)).rounded())
                for index in indices {
                    let place = particles[index].place / SIMD3(size.xInAngstroms, size.yInAngstroms, size.zInAngstroms)
                    // A tomogram that was replaced may be smaller than the one in which the particle was found.
                    guard ParticlePicture.isPlace(place, in: volume.shape) else { continue }
                    let picture = try ParticlePicture.around(place, in: volume, side: side)
                    pictures[index] = RGBImage(try picture.resized(toSide: Self.side))
                }
            } catch let error as VolumeError {
                if !failures.contains("\(error)") { failures.append("\(error)") }
            }
        }
        let sheet = try PictureSheet(columns: Self.columns, gap: 4)
        kinds = try Dictionary(grouping: particles.indices, by: { particles[$0].kind }).sorted { $0.key < $1.key }.compactMap {
            kind, indices in
            let shown = indices.filter { pictures[$0] != nil }
            guard let first = shown.first, let last = shown.last else { return nil }
            let name = kind == 0 ? ", unlike all" : particles[first].name.map { " (\($0))" } ?? ""
            func rounded(_ certainty: Double) -> String { ((certainty * 100).rounded() / 100).brief }
            let certainties = "certainty \(rounded(particles[first].certainty)) to \(rounded(particles[last].certainty))"
            return Row(
                caption: "kind \(kind)\(name): \(shown.count) of \(particles[first].of) particles, \(certainties); a picture is "
                    + "\((length / 10).rounded().brief) nm wide",
                sheet: try sheet(shown.compactMap { pictures[$0] }))
        }
        self.failures = failures
    }

    /// The particles of the gallery by kind, the surest of each first.
    private static func particles(in connection: QueryConnection, where condition: String) throws -> [Particle] {
        // `place` is the rank in the kind, from 0. Of `total` particles those are taken whose rank is i (total - 1) / (columns - 1).
        let ranks = "[\((0..<columns).map { "\($0)" }.joined(separator: ","))]"
        let sql = """
            WITH ranked AS (
              SELECT kind, kind_name, kind_certainty, tomogram_id, x, y, z, radius,
                row_number() OVER (PARTITION BY kind ORDER BY kind_certainty DESC, tomogram_id, number) - 1 AS place,
                count(*) OVER (PARTITION BY kind) AS total
              FROM v_object
              WHERE step = \(MeasurePicksStep.name.sqlLiteral) AND kind IS NOT NULL AND radius IS NOT NULL AND (\(condition))
            ), largest AS (SELECT kind FROM ranked GROUP BY kind ORDER BY count(*) DESC, kind LIMIT \(rows))
            SELECT kind, kind_name, kind_certainty, tomogram_id, x, y, z, radius, total FROM ranked
            WHERE kind IN largest AND (total <= \(columns)
              OR EXISTS (SELECT 1 FROM json_each('\(ranks)') AS i WHERE place = i.value * (total - 1) / \(columns - 1)))
            ORDER BY kind, place
            """
        var particles: [Particle] = []
        try connection.run(sql) { row in
            guard let kind = row[0].integer, let tomogram = row[3].integer, let total = row[8].integer,
                let x = row[4].number, let y = row[5].number, let z = row[6].number, let radius = row[7].number
            else { return }
            particles.append(
                Particle(
                    kind: kind, tomogram: tomogram, of: total, name: row[1] == .null ? nil : row[1].plainText,
                    certainty: row[2].number ?? 0, place: SIMD3(x, y, z), radius: radius))
        }
        return particles
    }
}
