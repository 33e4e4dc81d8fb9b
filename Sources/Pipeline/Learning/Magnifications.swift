import Engine
import Foundation

/// How much larger than it learned it a network is to see everything: one to four numbers from 0.5 to 2.
///
/// A network that learned from simulation knows structures at the sizes that the simulation gave them, and finds others better where it sees
/// them larger or smaller (multi-scale inference). What it says at each magnification is averaged.
struct Magnifications: Sendable, Equatable {
    let values: [Double]

    /// Everything is seen as large as it was learned.
    static let asLearned = Magnifications(values: [1])

    private init(values: [Double]) { self.values = values }

    static let form = TextForm(name: "magnifications") { (text: String) throws(PipelineError) in try Magnifications(parsing: text)
    }

    /// - Throws: ``PipelineError`` unless these are one to four different numbers from 0.5 to 2, with commas between them.
    init(parsing text: String) throws(PipelineError) {
        values = try NumberList.different(text, of: "magnification", in: 0.5...2, most: 4, example: "1, 1.3")
    }
}

/// Numbers in a text of the recipe.
enum NumberList {
    /// Different numbers with commas between them.
    ///
    /// - Parameters:
    ///   - what: what one of them is, without an article.
    ///   - unit: of the numbers, such as " Å".
    /// - Throws: ``PipelineError`` where one is no number or out of range, is named twice, or where there are more than `most`.
    static func different(
        _ text: String, of what: String, in range: ClosedRange<Double>, unit: String = "", most: Int, example: String
    ) throws(PipelineError) -> [Double] {
        var values: [Double] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            let word = word.trimmingCharacters(in: .whitespaces)
            guard let value = Double(word), range.contains(value) else {
                throw PipelineError(
                    "\"\(word)\" is no \(what); write numbers from \(String(format: "%g", range.lowerBound)) to "
                        + "\(String(format: "%g", range.upperBound))\(unit), such as \"\(example)\"")
            }
            guard !values.contains(value) else {
                throw PipelineError("the \(what) \(word) is named twice; name each one once")
            }
            values.append(value)
        }
        guard values.count <= most else {
            throw PipelineError("\(values.count) values of a \(what) are more than \(most); name fewer")
        }
        return values
    }
}
