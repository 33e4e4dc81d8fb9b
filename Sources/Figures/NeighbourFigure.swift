import Basics
public import BlobStore
public import Catalog
import Engine
import Metrics
import Pipeline
import Rendering
import Volumes

/// How near particles lie to one another, beside as many at random in the same compartments: the distribution of distances to the
/// nearest other one (``NeighborPattern``), with the least, mean and greatest of 99 draws.
public struct NeighbourFigure: Sendable {
    /// The most particles of a figure: 99 draws of them take some 60 MB.
    public static let mostParticles = 20_000

    public let figure: Figure

    /// Reads the particles and the maps of compartments of their tomograms.
    ///
    /// - Parameters:
    ///   - store: of the catalog. It is opened where a map is read.
    ///   - condition: an SQL expression over the columns of `v_object`, as `measure-picks` gives them: which particles.
    ///   - timeLimitInSeconds: the longest time of one query.
    /// - Throws: ``CatalogError``: of the code `notFound` where no two such particles lie in one compartment; where the condition is no SQL,
    ///   or there are more than ``mostParticles``. `BlobError` or `PipelineError` where a map cannot be read.
    /// - Complexity: reads each map twice, slice by slice; some microseconds for each of 100 n neighbours.
    public init(
        of catalog: Catalog, store: @autoclosure @escaping @Sendable () throws -> BlobStore, where condition: String?,
        timeLimitInSeconds: Double = 600
    ) throws {
        let connection = try QueryConnection(catalog, timeLimitInSeconds: timeLimitInSeconds)
        if let condition { try ViewColumns(FigureQuantity.objectView, in: connection).check(condition: condition) }
        let particles = try Self.particles(condition, connection)
        let results = StandingResults(catalog, store: try store())
        var (pattern, tomograms) = (NeighborPattern(), 0)
        for (id, regions) in particles.sorted(by: { $0.key < $1.key }) {
            guard let map = try results.content(CompartmentsStep.self, \.map, scopeID: id),
                let voxelSize = try catalog.results.provenance(step: MeasurePicksStep.name, scopeID: id)?.voxelSize
                    ?? catalog.collection.effectiveVoxelSize(ofTomogram: id)
            else { continue }
            // A single particle has no neighbour.
            let shared = regions.filter { $0.value.count > 1 }
            let drawn = try RegionPlaces.draw(
                shared.mapValues { $0.count * NeighborPattern.draws }, slices: map.shape.z, width: map.shape.x,
                seed: UInt64(bitPattern: id)
            ) { try map.numbers(z: $0) }
            let edges = voxelSize.vectorInAngstroms * Double(map.binning)
            for (region, places) in drawn.sorted(by: { $0.key < $1.key }) {
                try pattern.add(shared[region] ?? [], drawn: places.map { $0 * edges })
            }
            if !drawn.isEmpty { tomograms += 1 }
        }
        guard let curves = pattern.curves() else {
            throw CatalogError(
                .notFound,
                "there is nothing to draw: no two particles for which --where is true lie in one compartment of a map at hand; "
                    + "`cellar run --until measure-picks` finds compartments and who lies in which")
        }
        func series(_ name: String, _ values: [Double], _ color: Int) -> PlotSeries {
            PlotSeries(
                name, zip(curves.distances, values).map { SIMD2($0, $1) },
                color: PlotSeries.palette[color % PlotSeries.palette.count])
        }
        let random = curves.random
        var words = "\(pattern.count) particles in \(tomograms) \(tomograms == 1 ? "tomogram" : "tomograms")"
        if let ratio = pattern.clustering, let probability = pattern.probability {
            words +=
                ": \(ratio.rounded(toPlaces: 2)) of random, p \(probability <= 0.02 ? "≤" : "=") \(probability.rounded(toPlaces: 2))"
        }
        figure = Figure(
            plot: LinePlot(
                words, x: PlotAxis("distance to the nearest (Å)", range: 0...(curves.distances.last ?? 1)),
                y: PlotAxis("part of the particles", range: 0...1),
                series: [
                    series("found", curves.found, 0), series("random, mean of \(NeighborPattern.draws)", random.mean, 1),
                    series("least and greatest", random.least, 6), series("", random.greatest, 6),
                ]))
    }

    /// The places in Å of particles whose compartment is known, by tomogram and compartment.
    private static func particles(
        _ condition: String?, _ connection: QueryConnection
    ) throws -> [Int64: [Int: [SIMD3<Double>]]] {
        // Where compartments were found anew since, those of the particles are of another map, and v_context has no state.
        let own = """
            step = \(MeasurePicksStep.name.sqlLiteral) AND compartment IS NOT NULL
            AND tomogram_id IN (SELECT tomogram_id FROM v_context WHERE state IS NOT NULL)
            """
        var (found, count): ([Int64: [Int: [SIMD3<Double>]]], Int) = ([:], 0)
        try connection.run(
            QueryConnection.select(
                columns: "tomogram_id, compartment, x, y, z", from: FigureQuantity.objectView,
                where: condition.map { "\(own) AND (\n\($0)\n)" } ?? own)
        ) { row in
            guard let id = row[0].integer, let compartment = row[1].integer, let x = row[2].number, let y = row[3].number,
                let z = row[4].number
            else { return }
            count += 1
            guard count <= mostParticles else {
                throw CatalogError(
                    .invalid,
                    "there are more than \(mostParticles) such particles; choose fewer by --where, such as those of one dataset")
            }
            found[id, default: [:]][Int(compartment), default: []].append(SIMD3(x, y, z))
        }
        return found
    }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (self * scale).rounded() / scale
    }
}
