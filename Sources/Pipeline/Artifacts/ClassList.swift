import Basics
public import BlobStore

/// Names of classes, in the order of their labels from 1: in a recipe, with commas between them, and as the attribute `classes` of the
/// artifacts that a network gave (Schema/blobs.md).
public struct ClassList: Sendable, Hashable {
    private static let attribute = "classes"

    /// The first one has the label 1.
    public let names: [String]

    /// Reads the names from an artifact.
    ///
    /// - Throws: ``PipelineError`` where the artifact names no classes.
    public init(_ artifact: Artifact) throws {
        guard case .string(let text)? = artifact.attributes[Self.attribute] else {
            throw PipelineError(
                "the artifact \(artifact.digest.abbreviated) of kind \(artifact.kind) does not name its classes; `cellar verify "
                    + "--deep` looks at it")
        }
        names = text.words
    }

    /// The labels with their names, for people: `1 membrane, 2 ribosome`.
    public var sentence: String { names.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: ", ") }

    /// The label of a class; of the only one, where no name is given.
    ///
    /// - Parameter owner: what has these classes, for the sentence that says which there are.
    /// - Throws: ``PipelineError`` where there is no class of that name, or no name and several classes.
    public func label(of name: String?, in owner: String) throws -> Int {
        if name == nil, names.count == 1 { return 1 }
        let list = names.joined(separator: ", ")
        guard let name else { throw PipelineError("\(owner) has several classes: \(list); --class names the one to write") }
        guard let index = names.firstIndex(of: name) else {
            throw PipelineError("\(owner) has no class \(name); --class is one of \(list)")
        }
        return index + 1
    }

    /// Writes the names to an artifact.
    static func write(_ classes: [String], to artifact: ArtifactWriter) throws {
        try artifact.setAttribute(attribute, .string(classes.joined(separator: ",")))
    }

    /// Reads the names from a parameter.
    ///
    /// - Parameter key: of the parameter in the recipe, for the message: `train-membrane.classes`.
    /// - Throws: ``PipelineError`` where there is no name, one occurs twice, or there are 64 or more.
    static func parse(_ text: String, key: String) throws -> [String] {
        let words = text.words
        guard !words.isEmpty, Set(words).count == words.count, words.count < 64 else {
            throw PipelineError("\(key) names no class, or one twice: give names with commas between them")
        }
        return words
    }

    /// A table that translates labels of some classes into labels of others, by name: 256 values, for each label its new one.
    ///
    /// - Parameters:
    ///   - classes: the classes that labels have now, from 1.
    ///   - wanted: the classes of the new labels, from 1. Ground, and a class that is not among them, becomes 0.
    ///   - other: the new label of labels that are beyond the last class.
    static func table(from classes: [String], to wanted: [String], other: UInt8 = 0) -> [UInt8] {
        (0...255).map { label in
            guard label > 0 else { return 0 }
            guard label <= classes.count else { return other }
            return UInt8((wanted.firstIndex(of: classes[label - 1]) ?? -1) + 1)
        }
    }
}

extension StringProtocol {
    /// The parts between commas, without the spaces around them and without empty ones.
    var words: [String] {
        split(separator: ",").map(\.trimmed).filter { !$0.isEmpty }
    }

    /// Without the spaces around it.
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
