import Basics
import GRDB

/// The kinds of things that people name. Slabs, annotations and runs have numbers only.
enum NamedKind {
    case tomogram, model, trainingSet

    var noun: String {
        switch self {
        case .tomogram: "tomogram"
        case .model: "model"
        case .trainingSet: "training set"
        }
    }

    /// The command that lists all things of the kind.
    var list: String {
        switch self {
        case .tomogram: "cellar list tomograms"
        case .model: "cellar model list"
        case .trainingSet: "cellar training list"
        }
    }

    /// The query of all things of the kind: id, name, and the title, which is unique.
    fileprivate var sql: String {
        switch self {
        case .tomogram:
            """
            SELECT tomogram.id AS id, tomogram.name AS name, dataset.name || '/' || tomogram.name AS title
            FROM tomogram JOIN dataset ON dataset.id = dataset_id
            """
        case .model: "SELECT id, name, name AS title FROM model"
        case .trainingSet: "SELECT id, name, name AS title FROM training_set"
        }
    }
}

/// How a person names one thing of a catalog: by its name, or by `id:2`. A bare number is a name.
public enum CatalogReference: Hashable, Sendable {
    case name(String)
    case id(Int64)

    /// The prefix of an id.
    public static let idPrefix = "id:"
    /// The prefix of the first digits of an artifact's digest.
    public static let digestPrefix = "digest:"

    public init(_ text: String) {
        let id = text.hasPrefix(Self.idPrefix) ? Int64(text.dropFirst(Self.idPrefix.count)) : nil
        self = id.map { .id($0) } ?? .name(text)
    }

    /// Whether a name would be taken for an id or a digest.
    static func isReserved(_ name: String) -> Bool { name.hasPrefix(idPrefix) || name.hasPrefix(digestPrefix) }
}

extension Catalog.Collection {
    /// The id of the thing that a person names: by its name, by `dataset/name` where it has a dataset, or by `id:2`.
    ///
    /// A bare number is a name, also where it is the id of another thing: people number tomograms, and nobody who writes a name
    /// thinks of ids. A text that is the name of several is an error that lists them.
    ///
    /// - Throws: ``CatalogError`` where there is none, or more than one.
    func id(of kind: NamedKind, _ text: String, _ db: Database) throws -> Int64 {
        struct Candidate {
            let id: Int64
            let title: String
            var text: String { "\(title) (\(CatalogReference.idPrefix)\(id))" }
        }
        func candidates(_ condition: String, _ arguments: StatementArguments) throws -> [Candidate] {
            try Row.fetchAll(
                db, sql: "SELECT id, title FROM (\(kind.sql)) WHERE \(condition) ORDER BY title", arguments: arguments
            )
            .map { Candidate(id: $0[0], title: $0[1]) }
        }
        let missing = CatalogError(.notFound, "there is no \(kind.noun) \(text); `\(kind.list)` shows what there is")
        switch CatalogReference(text) {
        case .id(let id):
            guard let found = try candidates("id = ?", [id]).first else { throw missing }
            return found.id
        case .name(let name):
            let named = try candidates("name = ?1 OR title = ?1", [name])
            guard let first = named.first else {
                guard let id = Int64(name), let other = try candidates("id = ?", [id]).first else { throw missing }
                throw CatalogError(
                    .notFound, "there is no \(kind.noun) named \(name); \(CatalogReference.idPrefix)\(other.id) is \(other.title)"
                )
            }
            guard named.count > 1 else { return first.id }
            let titles = named.prefix(10).map(\.text) + (named.count > 10 ? ["\(named.count - 10) others"] : [])
            throw CatalogError(
                .ambiguous,
                "\(name) can mean the \(kind.noun) \(titles.formattedAlternatives); write the id of the one that is meant, as "
                    + "\(CatalogReference.idPrefix)\(first.id)")
        }
    }
}

extension [String] {
    /// `a, b or c`
    fileprivate var formattedAlternatives: String {
        guard count > 1, let last else { return first ?? "" }
        return dropLast().joined(separator: ", ") + " or " + last
    }
}
