import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import Mining
import Pipeline

/// Kinds of particles that were found in a collection.
public struct FoundKinds: Sendable {
    /// What a number of components of the mixture was worth.
    public struct Trial: Sendable, Hashable {
        /// The number of components.
        public let count: Int
        /// The number of kinds that they are, since those that overlap are one.
        public let kinds: Int
        /// The mean agreement (adjusted Rand) of kinds that were found in two halves of the particles; 1 for one kind.
        public let stability: Double
        /// The information criterion of the mixture (Schwarz, 1978): less is better.
        public let informationCriterion: Double
    }

    /// The model of the catalog, which the recipe names now.
    public let model: String
    /// The numbers of the kinds: those that were known keep theirs.
    public let numbers: [Int]
    /// The numbers that are new.
    public let new: [Int]
    /// The particles among which they were found.
    public let particles: Int
    /// The tomograms of these.
    public let tomograms: Int
    /// The tomograms that were left out: their particles are described in another way, or were picked anew since.
    public let others: Int
    /// What each number of kinds was worth.
    public let trials: [Trial]
}

extension Project {
    /// The key of the recipe that names the kinds.
    private static var kindsKey: String { "\(MeasurePicksStep.name).\(MeasurePicksStep.Parameters.kindsName)" }
    /// The name of the model that is written where the recipe names none.
    private static let kindsModel = "kinds"
    /// Of more particles, as many are drawn.
    private static let mostParticles = 200_000

    /// Finds kinds among the particles of the collection, and has the recipe use them: `measure-picks` gives each particle one.
    ///
    /// Kinds that were known keep their numbers: the ones with which they share the most particles.
    ///
    /// - Parameters:
    ///   - condition: an SQL expression over the columns of `v_object`, as the step `pick` gives them: among which particles; nil for all.
    ///   - most: the most kinds that are looked for.
    ///   - seed: of random starts.
    /// - Throws: `CatalogError` where no particle is described, `MiningError` where they are too few or all the same.
    /// - Complexity: reads the descriptors of all tomograms, one tomogram at a time; keeps at most 200,000.
    public func findKinds(where condition: String? = nil, most: Int = 12, seed: UInt64 = 0) throws -> FoundKinds {
        let sample = try describedParticles(where: condition)
        guard let meaning = sample.meaning else {
            throw CatalogError(
                .notFound,
                "no particle is described\(condition == nil ? "" : " for which \"\(condition ?? "")\" holds"); `cellar run --until "
                    + "\(DescriptorsStep.name)` describes those that were picked")
        }
        var finder = KindFinder()
        (finder.most, finder.seed) = (min(max(most, 1), 64), seed)
        let (found, trials) = try finder.find(sample.rows, dimension: sample.dimension)
        let earlier = try kindsFile()
        let next = max(try catalog.collection.nextKindNumber(), (earlier?.file.model.kinds.max() ?? 0) + 1)
        // Where descriptors changed their meaning, what the catalog says of the same picks stands for the earlier model.
        let before =
            if let earlier, earlier.file.meaning == meaning, earlier.file.model.dimension == sample.dimension {
                try earlier.file.model.assign(rows: sample.rows).map(\.kind)
            } else {
                try measuredKinds(sample.places)
            }
        let groups = try found.assign(rows: sample.rows).map(\.kind)
        var numbers = PartitionAgreement.numbers(ofGroups: groups, after: before, next: next)
        // A kind that is nobody's best has a number, too.
        for (place, kind) in found.kinds.filter({ numbers[$0] == nil }).enumerated() {
            numbers[kind] = max(next, (numbers.values.max() ?? 0) + 1) + place
        }
        let model = found.renumbered(numbers)
        let file = KindsFile(model, meaning: meaning, trials: trials, teachers: sample.teachers)
        let name = try useKinds(file, as: earlier?.name)
        return FoundKinds(
            model: name, numbers: model.kinds, new: model.kinds.filter { $0 >= next }, particles: groups.count,
            tomograms: sample.teachers.count, others: sample.others,
            trials: trials.map {
                .init(
                    count: $0.count, kinds: $0.kinds ?? $0.count, stability: $0.stability,
                    informationCriterion: $0.informationCriterion)
            })
    }

    /// The numbers of the picks of a tomogram that are of a kind, by the kind's name.
    ///
    /// - Throws: `CatalogError` where no kind has the name, or particles were given no kinds since they were picked.
    func picks(ofKind name: String, tomogram: TomogramRecord) throws -> Set<Int> {
        let numbers = Set(try catalog.collection.kindNames().filter { $0.value == name }.keys)
        guard !numbers.isEmpty else {
            throw CatalogError(
                .notFound, "no kind is named \(name); `cellar kind list` shows kinds, and `cellar kind name` names one")
        }
        let id = try tomogram.requiredID
        let known = try catalog.results.objects(ofTomogram: id, step: MeasurePicksStep.name).filter { $0.kind != nil }
        let isCurrent = try tomograms(withPicksOf: MeasurePicksStep.name).contains { $0.id == id && $0.isCurrent }
        guard isCurrent, !known.isEmpty else {
            throw CatalogError(
                .notFound,
                "the particles of \(tomogram.name) that were picked have no kinds; `cellar kind find` finds kinds, and `cellar run` gives "
                    + "each particle one")
        }
        return Set(known.filter { numbers.contains($0.kind?.number ?? 0) }.map(\.number))
    }

    /// Makes several kinds one, which has the first number.
    ///
    /// - Throws: `CatalogError` where the recipe names no kinds, or there is no such kind.
    public func mergeKinds(_ numbers: [Int]) throws {
        let (name, file) = try knownKinds()
        guard let first = numbers.first, Set(numbers).count > 1 else {
            throw CatalogError(.invalid, "one kind alone cannot be merged; give the numbers of two or more")
        }
        for number in numbers { try check(number, of: file.model) }
        let merged = file.model.renumbered(Dictionary(numbers.map { ($0, first) }, uniquingKeysWith: { $1 }))
        _ = try useKinds(file.replacing(merged), as: name)
    }

    /// Makes a kind two: the larger part keeps the number.
    ///
    /// - Returns: the number of the smaller part.
    /// - Throws: `CatalogError` where the recipe names no kinds, or there is no such kind; `MiningError` where it cannot be split.
    public func splitKind(_ number: Int, seed: UInt64 = 0) throws -> Int {
        let (name, file) = try knownKinds()
        try check(number, of: file.model)
        let sample = try describedParticles(where: nil)
        guard sample.meaning == file.meaning, sample.dimension == file.model.dimension else {
            throw CatalogError(
                .invalid,
                "the particles are described in another way than the kinds \(name); `cellar kind find` finds kinds again")
        }
        let next = max(try catalog.collection.nextKindNumber(), (file.model.kinds.max() ?? 0) + 1)
        let split = try file.model.splitting(number, rows: sample.rows, number: next, seed: seed)
        _ = try useKinds(file.replacing(split), as: name)
        return next
    }

    private func check(_ number: Int, of model: KindModel) throws {
        guard model.kinds.contains(number) else {
            throw CatalogError(
                .notFound,
                "there is no kind \(number), but \(model.kinds.map(String.init).joined(separator: ", ")); `cellar kind list` shows them"
            )
        }
    }

    /// The kinds that the recipe names.
    func knownKinds() throws -> (name: String, file: KindsFile) {
        guard let known = try kindsFile() else {
            throw CatalogError(.notFound, "the recipe names no kinds; `cellar kind find` finds them")
        }
        return known
    }

    /// The kinds that the recipe names; nil for none.
    private func kindsFile() throws -> (name: String, file: KindsFile)? {
        guard let name = try recipe()[Self.kindsKey]?.text, name != ParameterDeclaration.noModel,
            let record = try catalog.collection.models()[name]
        else { return nil }
        return (name, try KindsFile(path: record.path))
    }

    /// Writes kinds into the catalog's folder of models, and has the recipe name them.
    private func useKinds(_ kinds: KindsFile, as name: String?) throws -> String {
        let name = name ?? Self.kindsModel
        let data = try kinds.encoded()
        let path = "\(catalog.directory.models)/\(Self.kindsModel)-\(Digest(of: data).abbreviated).json"
        try FileManager.default.createDirectory(atPath: catalog.directory.models, withIntermediateDirectories: true)
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        let files = try ModelFiles(path, kind: .kinds)
        try catalog.collection.noteKinds(kinds.model.kinds)
        try catalog.collection.setModel(
            name: name, kind: ModelKind.kinds.rawValue, path: path, digest: files.digest(), provenance: kinds.summary)
        _ = try recipeFile.set([(key: Self.kindsKey, value: name)], for: graph.steps)
        return name
    }

    /// The kinds of picks as the catalog has them now; 0 where it says nothing.
    private func measuredKinds(_ places: [DescribedPick]) throws -> [Int] {
        var known: [DescribedPick: Int] = [:]
        try query(
            "SELECT tomogram_id, number, kind FROM v_object WHERE step = :step AND kind > 0",
            parameters: ["step": .text(MeasurePicksStep.name)]
        ) { row in
            guard case .integer(let id)? = row.first, case .integer(let number) = row[1], case .integer(let kind) = row[2] else {
                return
            }
            known[DescribedPick(tomogramID: id, number: Int(number))] = Int(kind)
        }
        return places.map { known[$0] ?? 0 }
    }
}

/// A pick of a collection.
struct DescribedPick: Hashable {
    let tomogramID: Int64
    let number: Int
}

/// Particles that are described in one way.
struct DescribedParticles {
    var meaning: StoredDescriptors.Meaning?
    var dimension = 0
    /// `[particle][component]`.
    var rows: [Float] = []
    var places: [DescribedPick] = []
    var teachers: [KindsFile.Teacher] = []
    /// The tomograms that were left out.
    var others = 0
}

extension Project {
    /// The particles of all tomograms that are described in one way; of too many, each tomogram gives the same part.
    ///
    /// - Parameter meaning: the way; nil for that of the first tomogram.
    func describedParticles(
        where condition: String?, as meaning: StoredDescriptors.Meaning? = nil
    ) throws -> DescribedParticles {
        var sample = DescribedParticles(meaning: meaning)
        let wanted = try condition.map { try wantedPicks($0) }
        let described = try tomograms(withPicksOf: DescriptorsStep.name)
        sample.others = described.count { !$0.isCurrent }
        var names: [Int64: String] = [:]
        try query("SELECT id, dataset || '/' || name FROM v_tomogram") { row in
            if case .integer(let id)? = row.first, case .text(let name) = row[1] { names[id] = name }
        }
        // Files are opened one after the other, and again when it is known how many particles there are: open ones are limited.
        var stored: [(id: Int64, numbers: [Int])] = []
        for (id, isCurrent) in described where isCurrent {
            guard let rows = try descriptors(ofTomogram: id), rows.count > 0 else { continue }
            let numbers = wanted.map { $0[id, default: []].filter { $0 <= rows.count } } ?? Array(1...rows.count)
            guard !numbers.isEmpty else { continue }
            sample.meaning = sample.meaning ?? rows.meaning
            if sample.dimension == 0 { sample.dimension = rows.dimension }
            guard rows.meaning == sample.meaning, rows.dimension == sample.dimension else {
                sample.others += 1
                continue
            }
            stored.append((id, numbers))
        }
        let total = stored.reduce(0) { $0 + $1.numbers.count }
        var random = RandomStream(seed: 1)
        for (id, numbers) in stored {
            guard let rows = try descriptors(ofTomogram: id) else { continue }
            let count = total <= Self.mostParticles ? numbers.count : max(1, numbers.count * Self.mostParticles / total)
            let values = try rows.values()
            for number in numbers.shuffled(using: &random).prefix(count).sorted() {
                sample.rows += values[(number - 1) * rows.dimension..<number * rows.dimension]
                sample.places.append(DescribedPick(tomogramID: id, number: number))
            }
            sample.teachers.append(.init(tomogram: names[id] ?? "id:\(id)", particles: count))
        }
        return sample
    }
}
