internal import Foundation

/// Rows of the table that `run.sh` prints: what was measured, the figure, and what it is to be compared with.
public enum Report {
    public static func row(_ what: String, _ figure: String, bar: String = "") {
        print("| \(what) | \(figure) | \(bar) |")
        // So that a reader of a pipe sees each row when it is measured.
        fflush(nil)
    }

    /// The middle one of several figures.
    public static func median(_ figures: [Double]) -> Double {
        let sorted = figures.sorted()
        return sorted.isEmpty ? .nan : (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
    }

    public static func text(_ figure: Double, _ digits: Int = 2) -> String { String(format: "%.\(digits)f", figure) }

    /// Ends the program with its usage.
    public static func fail(usage: String) -> Never {
        FileHandle.standardError.write(Data("usage: \(usage)\n".utf8))
        exit(2)
    }
}
