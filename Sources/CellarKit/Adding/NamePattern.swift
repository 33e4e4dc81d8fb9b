import Basics
public import Catalog
import Foundation
public import Volumes

/// A pattern that makes the names of tomograms from their paths: `{parent}_{stem}`.
public struct NamePattern: Sendable {
    /// What can stand in braces.
    enum Field: String, CaseIterable {
        /// The file's name without known extensions.
        case stem
        /// The names of the folder that the file is in, and of the one above that.
        case parent, grandparent
        /// The dataset to which the tomogram is added.
        case dataset
        /// The part inside the file, with `-` for slashes.
        case member
    }

    private enum Part {
        case text(String)
        case field(Field)
    }

    private let parts: [Part]

    /// A pattern from its text, such as `{parent}_{stem}`.
    ///
    /// - Throws: `CatalogError` where a field is none, or a brace has no partner.
    public init(parsing text: String) throws(CatalogError) {
        var parts: [Part] = []
        var rest = text[...]
        while let brace = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            parts.append(.text(String(rest[..<brace])))
            guard rest[brace] == "{", let end = rest[brace...].firstIndex(of: "}") else {
                throw CatalogError(.invalid, "The pattern '\(text)' has a brace without its partner; write a field as {stem}.")
            }
            let name = rest[rest.index(after: brace)..<end]
            guard let field = Field(rawValue: String(name)) else {
                let fields = Field.allCases.map { "{\($0.rawValue)}" }.joined(separator: ", ")
                throw CatalogError(.invalid, "{\(name)} is nothing that a name can be made of; there are \(fields).")
            }
            parts.append(.field(field))
            rest = rest[rest.index(after: end)...]
        }
        self.parts = parts + [.text(String(rest))]
    }

    /// The name of a volume.
    ///
    /// - Throws: `CatalogError` where the path lacks a part of which the name is made.
    public func name(of location: VolumeLocation, dataset: String) throws -> String {
        try parts.map { part in
            switch part {
            case .text(let text): return text
            case .field(let field):
                guard let value = Self.value(of: field, location, dataset: dataset), !value.isEmpty, value != "/" else {
                    throw CatalogError(
                        .invalid,
                        "\(location) has no {\(field.rawValue)}, of which --name-from makes its name; leave that out of the pattern"
                    )
                }
                return value
            }
        }.joined()
    }

    private static func value(of field: Field, _ location: VolumeLocation, dataset: String) -> String? {
        let folder = URL(fileURLWithPath: location.path).deletingLastPathComponent()
        return switch field {
        case .stem: stem(of: location)
        case .parent: folder.lastPathComponent
        case .grandparent: folder.path == "/" ? nil : folder.deletingLastPathComponent().lastPathComponent
        case .dataset: dataset
        case .member: member(of: location)
        }
    }

    /// The name of a tomogram of which nobody says another: the stem, with the member where there is one.
    public static func usualName(of location: VolumeLocation) -> String {
        stem(of: location) + (member(of: location).map { "-\($0)" } ?? "")
    }

    private static func member(of location: VolumeLocation) -> String? {
        location.member.map { $0.split(separator: "/").joined(separator: "-") }
    }

    /// The file's name without folders and known extensions.
    private static func stem(of location: VolumeLocation) -> String {
        var name = URL(fileURLWithPath: location.path).lastPathComponent
        for suffix in [VolumeTree.gzip] + VolumeTree.endings + VolumeTree.endingsOfTiltSeries
        where name.lowercased().hasSuffix(suffix) && name.count > suffix.count {
            name.removeLast(suffix.count)
            if suffix != VolumeTree.gzip { break }
        }
        return name
    }
}
