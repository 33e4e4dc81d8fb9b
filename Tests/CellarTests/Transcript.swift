import Foundation

/// What a command printed, compared with what a document says that it prints.
enum Transcript {
    /// The lines of a text, without what differs from run to run: numbers, durations, the folder, the width of columns.
    static func masked(_ text: String, folder: String) -> [String] {
        text.split(separator: "\n").map { line in
            let words = line.replacing(folder, with: "/tmp/s").split(separator: " ").joined(separator: " ")
            let numbers = words.replacingOccurrences(of: #"(?<![\w.])\d+(\.\d+)?(?!\w)"#, with: "#", options: .regularExpression)
            let times = numbers.replacingOccurrences(of: #"(# (h|min|s|ms)\b ?)+"#, with: "TIME", options: .regularExpression)
            // Whether an early cut-off keeps results depends on what the tomograms hold.
            return times.replacing(", # found again", with: "")
        }
    }

    /// The first line in which they differ, in words; nil where there is none. All that the program prints as its result has to be
    /// expected, but for what `…` stands for; of its notes, those that are expected have to be there.
    static func difference(of output: [String], and notes: [String], to expected: [String]) -> String? {
        var (output, notes, isElided) = (output[...], notes, false)
        for line in expected {
            if line == "…" {
                isElided = true
            } else if let place = isElided ? output.firstIndex(of: line) : output.first == line ? output.startIndex : nil {
                output = output[(place + 1)...]
                isElided = false
            } else if let place = notes.firstIndex(of: line) {
                notes.remove(at: place)
            } else {
                return "the document says: \(line)\nthe program:       \(output.first ?? "nothing more")"
            }
        }
        return isElided ? nil : output.first.map { "the program says more than the document: \($0)" }
    }
}
