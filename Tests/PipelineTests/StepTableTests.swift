import CatalogSchema
import Engine
import Pipeline
import TestSupport
import Testing

/// The table of steps in Sources/Pipeline/README.md follows from what the steps declare.
@Suite struct StepTableTests {
    /// The rows of the table, from its header on.
    static func rows(_ steps: [any Step]) -> [String] {
        func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: ", ") }
        return ["| step | scope | reads | gives | summary |", "|---|---|---|---|---|"]
            + steps.map { step in
                let (reads, gives) = (list(step.inputs.map(\.name)), list(step.outputs.map(\.name)))
                return "| `\(step.name)` | \(step.scope.rawValue) | \(reads) | \(gives) | \(step.summary) |"
            }
    }

    @Test("the committed table is what the steps declare; CELLAR_RECORD=1 writes it, and fails")
    func table() throws {
        let golden = GoldenFile(repository: "Sources/Pipeline/README.md")
        let lines = try golden.text().split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let start = try #require(lines.firstIndex { $0.hasPrefix("| step |") }, "the README has no table of steps")
        let end = lines[start...].firstIndex { !$0.hasPrefix("|") } ?? lines.endIndex
        let text = (lines[..<start] + Self.rows(StandardSteps.all) + lines[end...]).joined(separator: "\n")
        try golden.expect(text, recordedBy: "make reference")
    }
}
