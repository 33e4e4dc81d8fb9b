import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import Mining
import Pipeline

/// A particle of a collection, as a person names it.
public enum ParticleReference: Hashable, Sendable {
    /// By its number in `v_object`: `TS_0008#12`.
    case number(tomogram: String, Int)
    /// By a place in Å, the columns x, y, z of `v_object`: `TS_0008@1620,4185,864`. The particle in whose ball it lies is meant.
    case place(tomogram: String, SIMD3<Double>)

    /// Reads a text; nil where it is neither.
    public init?(_ text: String) {
        if let mark = text.lastIndex(of: "#"), let number = Int(text[text.index(after: mark)...]), number >= 1 {
            self = .number(tomogram: String(text[..<mark]), number)
        } else if let mark = text.lastIndex(of: "@") {
            let values = text[text.index(after: mark)...].split(separator: ",", omittingEmptySubsequences: false).map {
                Double($0.filter { !$0.isWhitespace }) ?? .nan
            }
            guard values.count == 3, values.allSatisfy(\.isFinite) else { return nil }
            self = .place(tomogram: String(text[..<mark]), SIMD3(values[0], values[1], values[2]))
        } else {
            return nil
        }
        if tomogram.isEmpty { return nil }
    }

    /// The name of its tomogram.
    public var tomogram: String {
        switch self {
        case .number(let tomogram, _), .place(let tomogram, _): tomogram
        }
    }
}

/// What is most like a particle.
public struct SimilarParticles: Sendable {
    /// A particle that is like it.
    public struct Hit: Sendable, Hashable {
        /// The id of its tomogram.
        public let tomogramID: Int64
        /// Its number in `v_object`.
        public let number: Int
        /// The Euclidean distance of the two descriptors; of two boxes of noise it is about the root of twice the number of parts.
        public let distance: Double
        /// The part of the pairs of the particle's kind that are at least as far apart, 0 … 1: 0.5 is as alike as two of one kind usually
        /// are. nil where the particle has no kind.
        public var alikeness: Double?
    }

    /// The particle itself.
    public let query: Hit
    /// The nearest first.
    public let hits: [Hit]
    /// The particles that were compared.
    public let compared: Int
    /// The tomograms that were left out: their particles are described in another way, or were picked anew since.
    public let others: Int

    /// A statement that gives the particles with their columns of `v_object`, the particle itself first, with the place 0.
    public var sql: String {
        let rows = ([query] + hits).enumerated().map { place, hit in
            "(\(place), \(hit.tomogramID), \(hit.number), \(hit.distance), \(hit.alikeness.map { "\($0)" } ?? "NULL"))"
        }
        return """
            WITH hit (place, tomogram_id, number, distance, alike) AS (VALUES \(rows.joined(separator: ", ")))
            SELECT hit.place, round(hit.distance, 3) AS distance, round(hit.alike, 2) AS alike, object.dataset, object.tomogram, object.number, object.class,
                round(object.x, 1) AS x, round(object.y, 1) AS y, round(object.z, 1) AS z, round(object.confidence, 3) AS confidence
            FROM hit CROSS JOIN v_object AS object
            WHERE object.step = \(PickStep.name.sqlLiteral) AND object.tomogram_id = hit.tomogram_id AND object.number = hit.number
            ORDER BY hit.place
            """
    }
}

extension Project {
    /// The particles of the collection that are most like one, exactly: every descriptor is compared.
    ///
    /// - Parameters:
    ///   - count: how many are given, 1 to 10,000.
    ///   - condition: an SQL expression over the columns of `v_object`, as the step `pick` gives them; nil for all.
    ///   - mayWrite: whether the file that makes the next search faster may be written.
    /// - Throws: `CatalogError` where there is no such particle, it is not described, or the condition is not understood.
    /// - Complexity: reads the descriptors of all tomograms, one tomogram at a time.
    public func similar(
        to particle: ParticleReference, count: Int, where condition: String? = nil, mayWrite: Bool = true
    ) throws -> SimilarParticles {
        let tomogram = try catalog.collection.tomogram(named: particle.tomogram)
        let count = min(max(count, 1), 10_000)
        let described = try readers(ofPicks: DescriptorsStep.name, giving: DescriptorsStep.outputs.rows.output.name)
        guard let id = tomogram.id, let isCurrent = described.first(where: { $0.scopeID == id })?.isCurrent, isCurrent,
            let own = try descriptors(ofTomogram: id)
        else {
            throw CatalogError(
                .notFound,
                "the particles of \(particle.tomogram) are not described as they are now; `cellar run --until \(DescriptorsStep.name)` "
                    + "describes them")
        }
        guard own.count > 0 else {
            throw CatalogError(
                .notFound,
                "\(particle.tomogram) has no particle that could be described: nothing was picked, or its voxels do not fit the radius; "
                    + "`cellar recipe set \(DescriptorsStep.name).radius=…` changes that")
        }
        let number = try number(of: particle, tomogramID: id)
        guard (1...own.count).contains(number) else {
            throw CatalogError(
                .notFound,
                "there is no particle \(number) of \(particle.tomogram), but \(own.count); give a number from 1 to \(own.count)")
        }
        let query = try own.patterns()[(number - 1) * own.dimension..<number * own.dimension].map {
            Float(Float16(bitPattern: $0))
        }
        // One more, since the particle finds itself.
        var search = try DescriptorSearch(query: query, count: count + 1)
        let wanted = try condition.map { try wantedPicks($0) }
        // Of each tomogram the number of its first row in the search, and the numbers of its particles.
        var places: [(first: Int, tomogramID: Int64, numbers: [Int]?)] = []
        var others = described.count { !$0.isCurrent }
        let artifacts = wanted == nil && mayWrite ? described.filter(\.isCurrent).compactMap(\.artifact) : []
        let reader = try DescriptorReader(self, like: own, artifacts: artifacts)
        for result in described where result.isCurrent {
            let numbers = wanted.map { $0[result.scopeID, default: []] }
            // What nobody asks for is not read.
            guard let artifact = result.artifact, numbers?.isEmpty != true else { continue }
            let isOfOneMeaning = try reader.read(artifact) { rows in
                guard !rows.isEmpty else { return }
                let count = rows.count / own.dimension
                guard let numbers else {
                    places.append((search.rows, result.scopeID, nil))
                    return try search.add(rows)
                }
                let known = numbers.filter { $0 <= count }
                places.append((search.rows, result.scopeID, known))
                try search.add(known.flatMap { rows[($0 - 1) * own.dimension..<$0 * own.dimension] })
            }
            if !isOfOneMeaning { others += 1 }
        }
        reader.finish()
        let calibration = try alikeness(ofKindOf: number, tomogramID: id, meaning: own.meaning)
        let itself = SimilarParticles.Hit(tomogramID: id, number: number, distance: 0, alikeness: calibration.map { _ in 1 })
        let found = search.neighbors.map { neighbor -> SimilarParticles.Hit in
            guard let place = places.last(where: { $0.first <= neighbor.index }) else { return itself }
            let row = neighbor.index - place.first
            return .init(
                tomogramID: place.tomogramID, number: place.numbers?[row] ?? row + 1, distance: Double(neighbor.distance),
                alikeness: calibration?.alikeness(at: neighbor.distance))
        }
        let hits = found.filter { $0.tomogramID != id || $0.number != number }.prefix(count)
        return SimilarParticles(query: itself, hits: Array(hits), compared: search.rows, others: others)
    }

    func descriptors(ofTomogram id: Int64) throws -> StoredDescriptors? {
        try results().content(DescriptorsStep.self, \.rows, scopeID: id)
    }

    /// The results of a step that stand and read the picks. Where they are not current, the picks are others than today's: only else numbers
    /// mean the same particles.
    func readers(ofPicks step: String, giving output: String = "") throws -> [Catalog.Results.StandingReader] {
        try catalog.results.standingReaders(
            step: step, of: (PickStep.name, PickStep.outputs.particles.output.name), giving: output)
    }

    /// The tomograms on which a result of a step stands that read the picks, and whether these are the picks of today.
    func tomograms(withPicksOf step: String) throws -> [(id: Int64, isCurrent: Bool)] {
        try readers(ofPicks: step).map { ($0.scopeID, $0.isCurrent) }
    }

    /// The numbers of the picks for which an expression is true, by tomogram, ascending.
    func wantedPicks(_ condition: String) throws -> [Int64: [Int]] {
        let connection = try QueryConnection(catalog)
        try ViewColumns("v_object", in: connection).check(condition: condition)
        var numbers: [Int64: [Int]] = [:]
        try connection.run(
            QueryConnection.select(
                columns: "tomogram_id, number", from: "v_object",
                where: "step = \(PickStep.name.sqlLiteral) AND (\n\(condition)\n)") + " ORDER BY tomogram_id, number"
        ) { row in
            guard case .integer(let id) = row[0], case .integer(let number) = row[1] else { return }
            numbers[id, default: []].append(Int(number))
        }
        return numbers
    }

    /// The number of a particle that a person names.
    private func number(of particle: ParticleReference, tomogramID: Int64) throws -> Int {
        switch particle {
        case .number(_, let number): return number
        case .place(let tomogram, let place):
            let objects = try catalog.results.objects(ofTomogram: tomogramID, step: PickStep.name)
            let radii = MatchingRadii(self, objects)
            let near = try objects.compactMap { object -> (number: Int, distance: Double)? in
                let offset = object.centroidInAngstroms - place
                let distance = (offset * offset).sum().squareRoot()
                let radius = try object.radiusInAngstroms ?? radii.radius(object.class)
                return distance <= radius ? (object.number, distance) : nil
            }
            guard let nearest = near.min(by: { $0.distance < $1.distance }) else {
                throw CatalogError(
                    .notFound,
                    "no particle of \(tomogram) holds the place \(place.x), \(place.y), \(place.z) Å; `cellar query \"SELECT number, x, y, z FROM "
                        + "v_object WHERE step = '\(PickStep.name)'\"` lists those that there are")
            }
            return nearest.number
        }
    }
}
