import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import Mining
import Pipeline

extension Project {
    /// The most tomograms that are asked for members of a kind, and of which descriptors are read; the most members that are compared.
    private static let (mostLookedAt, mostRead, mostMembers) = (64, 16, 256)

    /// How far apart two particles of the kind of one are: what turns a distance into "as alike as two of one kind".
    ///
    /// - Parameters:
    ///   - number: of a pick of a tomogram, whose descriptors have a meaning.
    ///   - meaning: of the descriptors that are compared.
    /// - Returns: nil where the particle has no kind, is unlike all others, or its kind has too few members.
    /// - Throws: `CatalogError` where the catalog cannot be read.
    /// - Complexity: reads the descriptors of at most 16 tomograms, and compares at most 256 particles with one another.
    func alikeness(ofKindOf number: Int, tomogramID: Int64, meaning: StoredDescriptors.Meaning) throws -> DistanceCalibration? {
        let step = MeasurePicksStep.name.sqlLiteral
        let measured = Set(try tomograms(withPicksOf: MeasurePicksStep.name).filter(\.isCurrent).map(\.id))
        let current = try tomograms(withPicksOf: DescriptorsStep.name).filter(\.isCurrent).map(\.id).filter(measured.contains)
        guard current.contains(tomogramID) else { return nil }
        func numbers(_ id: Int64, _ condition: String, _ column: String = "number") throws -> [Int] {
            var values: [Int] = []
            try query(
                "SELECT \(column) FROM v_object WHERE step = \(step) AND tomogram_id = \(id) AND \(condition) LIMIT \(Self.mostMembers)"
            ) { row in
                if let value = row.first?.integer { values.append(Int(value)) }
            }
            return values
        }
        guard let kind = try numbers(tomogramID, "number = \(number)", "kind").first, kind > 0 else { return nil }
        var members: [(id: Int64, numbers: [Int])] = []
        for id in [tomogramID] + Self.spread(current.filter { $0 != tomogramID }, over: Self.mostLookedAt) {
            guard members.count < Self.mostRead else { break }
            let own = try numbers(id, "kind = \(kind)").filter { $0 >= 1 }
            if !own.isEmpty { members.append((id, own)) }
        }
        var rows: [(tomogramID: Int64, values: [Float])] = []
        for (id, numbers) in members {
            guard let described = try descriptors(ofTomogram: id), described.meaning == meaning, described.count > 0 else {
                continue
            }
            let (patterns, dimension) = (try described.patterns(), described.dimension)
            for number in Self.spread(numbers.sorted(), over: Self.mostMembers / members.count) where number <= described.count {
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
