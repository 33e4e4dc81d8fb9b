import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import Mining
import Pipeline

extension Project {
    /// How far apart two particles of the kind of one are: what turns a distance into "as alike as two of one kind".
    ///
    /// - Parameters:
    ///   - number: of a pick of a tomogram, whose descriptors have a meaning.
    ///   - meaning: of the descriptors that are compared.
    /// - Returns: nil where the particle has no kind, is unlike all others, or its kind has too few members.
    /// - Throws: `CatalogError` where the catalog cannot be read.
    /// - Complexity: reads the descriptors of at most 16 tomograms, and compares at most 256 particles with one another.
    func alikeness(ofKindOf number: Int, tomogramID: Int64, meaning: StoredDescriptors.Meaning) throws -> DistanceCalibration? {
        let current = Set(try tomograms(withPicksOf: MeasurePicksStep.name).filter(\.isCurrent).map(\.id))
        guard current.contains(tomogramID) else { return nil }
        let step = MeasurePicksStep.name.sqlLiteral
        var kind: Int64?
        try query("SELECT kind FROM v_object WHERE step = \(step) AND tomogram_id = \(tomogramID) AND number = \(number)") {
            row in
            kind = row.first?.integer
        }
        guard let kind, kind > 0 else { return nil }
        var members: [Int64: [Int]] = [:]
        try query(
            "SELECT tomogram_id, number FROM v_object WHERE step = \(step) AND kind = \(kind) LIMIT 8192"
        ) { row in
            guard case .integer(let id) = row[0], case .integer(let number) = row[1], current.contains(id) else { return }
            members[id, default: []].append(Int(number))
        }
        let chosen = Self.spread(members.keys.sorted(), over: 16)
        var rows: [(tomogramID: Int64, values: [Float])] = []
        for id in chosen {
            guard let described = try descriptors(ofTomogram: id), described.meaning == meaning else { continue }
            let (patterns, dimension) = (try described.patterns(), described.dimension)
            for number in Self.spread(members[id] ?? [], over: 256 / chosen.count) where (1...described.count).contains(number) {
                let row = patterns[(number - 1) * dimension..<number * dimension].map { Float(Float16(bitPattern: $0)) }
                rows.append((id, row))
            }
        }
        var (within, across): ([Float], [Float]) = ([], [])
        for (place, one) in rows.enumerated() {
            for other in rows[(place + 1)...] {
                let square = zip(one.values, other.values).reduce(Float(0)) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                if one.tomogramID == other.tomogramID {
                    within.append(square.squareRoot())
                } else {
                    across.append(square.squareRoot())
                }
            }
        }
        // Two particles of one tomogram share its optics: pairs of different ones say more, where there are such.
        let pairs = across.count >= DistanceCalibration.leastPairs ? across : across + within
        return pairs.count >= DistanceCalibration.leastPairs ? try DistanceCalibration(distancesWithinKinds: pairs) : nil
    }

    /// At most so many of the elements, spread evenly, the first among them.
    private static func spread<Element>(_ elements: [Element], over count: Int) -> [Element] {
        guard elements.count > count else { return elements }
        return (0..<count).map { elements[$0 * elements.count / count] }
    }
}
