internal import Foundation

/// How CLIP's tokenizer cleans a text and cuts it into words before any word is encoded.
///
/// As `CLIPTokenizer` of transformers 5 does: canonical composition (NFC), lower case, and then, from left to right, an English
/// ending after an apostrophe, a run of letters, a single digit, or a run of other characters that are no white space.
enum WordSplitter {
    /// Cut out as they stand, then cut in three: text that is spelt so, but is no special token of the folder at hand.
    private static let markers = ["startoftext", "endoftext"].map { (name: $0, scalars: Array("<|\($0)|>".unicodeScalars)) }
    private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

    /// Composed, and in lower case, character by character: no rule for a sigma at the end of a word.
    static func normalize(_ text: String) -> String {
        var lower = String.UnicodeScalarView()
        for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
            lower.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        }
        return String(lower)
    }

    /// The words of a normalised text.
    static func words(of text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        var words: [String] = []
        var start = 0
        while start < scalars.count {
            if let marker = markers.first(where: { scalars[start...].starts(with: $0.scalars) }) {
                words += ["<|", marker.name, "|>"]
                start += marker.scalars.count
                continue
            }
            var end = start + 1
            let kind = Kind(scalars[start])
            if let ending = endings.first(where: { scalars[start...].starts(with: $0) }) {
                end = start + ending.count
            } else if kind == .letter || kind == .other {
                while end < scalars.count, Kind(scalars[end]) == kind { end += 1 }
            }
            if kind != .space {
                var word = String.UnicodeScalarView()
                word.append(contentsOf: scalars[start..<end])
                words.append(String(word))
            }
            start = end
        }
        return words
    }

    private enum Kind {
        case space, letter, number, other

        init(_ scalar: Unicode.Scalar) {
            if scalar.properties.isWhitespace {
                self = .space
                return
            }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            default: self = .other
            }
        }
    }
}
