import CellarKit
import TestSupport
import Testing

/// Habits of the sources that the compiler does not check.
@Suite struct HouseTests {
    /// Words that are spelled like a step and are none, and examples for people.
    private static let otherWords: [String: Set<String>] = [
        // A column of views.
        "Sources/Catalog/Query/Statistics.swift": ["measure"],
        // What is checked, in the sentence of an error.
        "Sources/Metrics/Picks/PickRule.swift": ["pick"],
        // Values of parameters.
        "Sources/Pipeline/StandardSteps.swift": ["eigenvectors", "mask"],
        // A class.
        "Sources/cellar/Commands/DemoCommand.swift": ["membrane"],
        // An example in a help text.
        "Sources/cellar/Commands/PlotCommand.swift": ["evaluate"],
    ]

    /// Kinds and datasets of files of artifacts have names of their own, which are declared there (Schema/blobs.md).
    private static let artifacts = "Sources/Pipeline/Artifacts/"

    @Test("names of steps and outputs stand as texts only where they are declared")
    func names() throws {
        let steps = Set(StandardSteps.all.map(\.name))
        let outputs = Set(StandardSteps.all.flatMap { $0.outputs.map(\.name) })
        var found: [String: [String]] = [:]
        var declared: Set<String> = []
        for path in Repository.swiftFiles(in: "Sources") where !path.hasPrefix(Self.artifacts) {
            let text = try Repository.text(of: path)
            let own = text.matches(of: /static let name = "([^"]+)"/).map { String($0.1) }
            declared.formUnion(own)
            let others = Self.otherWords[path, default: []].union(own)
            for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                let names =
                    Self.literals(in: line).filter { steps.contains($0) && !others.contains($0) }
                    + Self.readOutputs(in: line).filter { outputs.contains($0) }
                if !names.isEmpty { found[path, default: []] += names }
            }
        }
        #expect(declared.isSuperset(of: steps), "the file of a step says `static let name = \"…\"`")
        for (path, names) in found.sorted(by: { $0.key < $1.key }) {
            Issue.record(
                "\(path) names \(names.sorted().joined(separator: ", ")): take the names from the steps, as `MaskStep.name`")
        }
    }

    @Test("the walks of CONTRIBUTING.md lead through files that are there")
    func walks() throws {
        let named = try Repository.text(of: "CONTRIBUTING.md").matches(of: /`((?:Sources|Schema)\/[^`*]+\.(?:swift|sql|md))`/).map
        {
            String($0.1)
        }
        // An example of a file that a contributor is to write.
        let files = Set(named).subtracting(["Sources/Pipeline/Steps/RoughnessStep.swift"])
        #expect(files.count > 20)
        for file in files { #expect(throws: Never.self, "\(file)") { try Repository.text(of: file) } }
    }

    /// Texts of Swift, and of SQL within them: what stands between two quotation marks of a kind.
    private static func literals(in line: Substring) -> [String] {
        ["\"", "'"].flatMap { quote in
            line.split(separator: quote, omittingEmptySubsequences: false).dropFirst().dropLast().map(String.init)
        }
    }

    /// Texts where the name of an output is expected: `output: "…"`, `artifact(of: …, "…")`, `of: …, named: "…"`, `name = '…'`.
    private static func readOutputs(in line: Substring) -> [String] {
        guard line.contains("output: ") || line.contains("of: ") || line.contains("name = '") else { return [] }
        let places =
            line.matches(of: /output: ([^,)]*)/).map(\.1) + line.matches(of: /artifact\(of: [^,)]+, ("[^"]*")/).map(\.1)
            + line.matches(of: /of: [^,()]+, named: ("[^"]*")/).map(\.1) + line.matches(of: /name = ('[^']*')/).map(\.1)
        return places.flatMap(literals)
    }
}
