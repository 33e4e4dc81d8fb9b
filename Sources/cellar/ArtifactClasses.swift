import Basics
import BlobStore
import CellarKit
import Rendering

/// The classes that an artifact of a network's results names, by their numbers from 1.
struct ArtifactClasses {
    let names: [String]

    /// - Throws: ``PipelineError`` where the artifact names none.
    init(_ artifact: Artifact) throws {
        names = try ClassList.read(artifact)
    }

    /// `1 membrane, 2 ribosome`
    var sentence: String { names.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: ", ") }

    /// Each class in the colour that its number has.
    var legend: [LegendEntry] {
        names.enumerated().compactMap { index, name in
            LabelPalette.standard.color(of: UInt32(index + 1)).map { LegendEntry(name: name, color: $0) }
        }
    }

    /// The number of a class; of the only one, where no name is given.
    ///
    /// - Parameter owner: what has these classes, for the sentence that says which there are.
    /// - Throws: ``CatalogError`` where there is no class of that name, or no name and several classes.
    func number(of name: String?, in owner: String) throws -> Int {
        if name == nil, names.count == 1 { return 1 }
        guard let name else {
            throw CatalogError(
                .invalid, "\(owner) has several classes: \(names.joined(separator: ", ")); --class names the one to write")
        }
        guard let index = names.firstIndex(of: name) else {
            throw CatalogError(
                .notFound, "\(owner) has no class \(name); --class is one of \(names.joined(separator: ", "))")
        }
        return index + 1
    }
}
