public import Basics
import Foundation

/// Which tomogram the name in a file of points means.
///
/// Programs name one tomogram by the tilt series (`TS_001.tomostar`), by the reconstruction (`TS_001_10.00Apx.mrc`), or by a path. So
/// names are compared as they are, and else without folders and known endings on both sides. A name as it is wins over a name
/// without its endings.
public struct TomogramNameMatch: Sendable {
    private let exact: [String: [Int]]
    private let stems: [String: [Int]]
    private let substitution: NameSubstitution?

    /// - Parameters:
    ///   - tomograms: the names of tomograms.
    ///   - substitution: how the names of the file are changed before they are compared; nil for not at all.
    public init(tomograms: [String], substitution: NameSubstitution? = nil) {
        exact = Dictionary(grouping: tomograms.indices) { tomograms[$0] }
        stems = Dictionary(grouping: tomograms.indices) { Self.stem(of: tomograms[$0]) }
        self.substitution = substitution
    }

    /// The tomograms, as indices in the list, that a name of a file means: none, one, or several that only the caller can tell apart.
    public func indices(of name: String) -> [Int] {
        let name = substitution?.applied(to: name) ?? name
        return exact[name] ?? stems[Self.stem(of: name)] ?? []
    }

    /// The names of a file that mean one tomogram: those that are its name, or else those that are it without known endings.
    ///
    /// - Complexity: linear in the number of names.
    public static func names(_ names: [String], for tomogram: String, substitution: NameSubstitution? = nil) -> [String] {
        func changed(_ name: String) -> String { substitution?.applied(to: name) ?? name }
        let same = names.filter { changed($0) == tomogram }
        let stem = stem(of: tomogram)
        return same.isEmpty ? names.filter { Self.stem(of: changed($0)) == stem } : same
    }

    /// Endings that programs add to the name of a tilt series, in lower case: Warp, RELION, IMOD, and the formats of volumes.
    private static let endings = [
        ".tomostar", ".mrc", ".mrcs", ".rec", ".map", ".st", ".ali", ".gz", ".zarr", ".ome", "_rec", "_full",
    ]

    /// A name without folders and known endings, as often as there are any: `a/tomo_ts01.mrc_15.00Apx.mrc` is `tomo_ts01`. What
    /// would leave nothing stays.
    public static func stem(of name: String) -> String {
        var stem = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last ?? name[...]
        while true {
            let lowercased = stem.lowercased()
            let ending = endings.first(where: lowercased.hasSuffix)?.count ?? pixelSizeEnding(of: lowercased)
            guard let ending, ending < stem.count else { return String(stem) }
            stem.removeLast(ending)
        }
    }

    /// The number of characters of the ending that states a pixel size, such as `_10.00apx`; nil where there is none.
    private static func pixelSizeEnding(of name: String) -> Int? {
        guard name.hasSuffix("apx"), let start = name.lastIndex(of: "_") else { return nil }
        let number = name[name.index(after: start)...].dropLast(3)
        guard number.first?.isNumber == true, number.allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
        return name[start...].count
    }
}

/// How the names in a file become names of tomograms: `PATTERN=REPLACEMENT`.
///
/// The pattern is a regular expression as ICU reads it, and each place where it fits is replaced; `$1` in the replacement stands
/// for the first group: `^run(\d+)$=TS_$1`. The last `=` ends the pattern.
public struct NameSubstitution: Sendable, Hashable {
    private let expression: NSRegularExpression
    private let replacement: String

    /// - Throws: ``VolumeError``, `.malformed`, where there is no `=`, or the pattern is no regular expression.
    public init(parsing text: String) throws(VolumeError) {
        guard let sign = text.lastIndex(of: "="), sign > text.startIndex else {
            throw VolumeError(.malformed, "\"\(text)\" is no substitution; write PATTERN=REPLACEMENT, such as '^run=TS_'")
        }
        let pattern = String(text[..<sign])
        do {
            expression = try NSRegularExpression(pattern: pattern)
        } catch {
            throw VolumeError(
                .malformed, "\"\(pattern)\" is no regular expression; write PATTERN=REPLACEMENT, such as '^run=TS_'")
        }
        let replacement = String(text[text.index(after: sign)...])
        // A template with a lone $ or \ at its end would end the process.
        guard Self.isTemplate(replacement, groups: expression.numberOfCaptureGroups) else {
            throw VolumeError(
                .malformed,
                "\"\(replacement)\" is no replacement; write $ with the number of one of the \(expression.numberOfCaptureGroups) "
                    + "groups of the pattern, and \\ with a character")
        }
        self.replacement = replacement
    }

    private static func isTemplate(_ text: String, groups: Int) -> Bool {
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\\" {
                guard rest.popFirst() != nil else { return false }
            } else if character == "$" {
                guard let digit = rest.first?.wholeNumberValue, digit <= groups else { return false }
            }
        }
        return true
    }

    /// A name with each match of the pattern replaced.
    public func applied(to name: String) -> String {
        expression.stringByReplacingMatches(
            in: name, range: NSRange(name.startIndex..., in: name), withTemplate: replacement)
    }
}
