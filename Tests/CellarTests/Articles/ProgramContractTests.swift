import Engine
import Foundation
import TestSupport
import Testing

/// What programs may rely on: exit codes, and the keys of answers in JSON.
@Suite("What programs rely on") struct ProgramContractTests {
    @Test("the article lists the exit codes that there are")
    func exitCodes() throws {
        let article = try Article.named("ProgramContract")
        let codes = article.text.matches(of: /(?m)^\| (\d+) \|/).compactMap { Int32($0.1) }
        #expect(codes == [0, 1, 2, 3, ProcessScheduler.againCode])
    }

    @Test("0 is done, 1 a failure, 2 a command line that is not understood, 3 work that plan --check found")
    func commands() throws {
        let project = try DocumentedProject()
        let cellar = project.cellar
        let cases: [(arguments: [String], status: Int32)] = [
            (["plan", "--check"], 0), (["run"], 0), (["why", "nobody"], 1), (["query", "SELECT 1 FROM nothing"], 1),
            (["show", "tomo_01", "--output", "no/such/folder/x.png"], 1), (["recipe", "set", "no.such=1"], 1),
            (["frobnicate"], 2), (["run", "--jobs", "many"], 2), (["plan", "--frobnicate"], 2), (["--help"], 0),
            (["--version"], 0),
            (["recipe", "set", "measure.smallest_volume=1500"], 0), (["plan", "--check"], 3), (["plan"], 0),
        ]
        for (arguments, status) in cases {
            let result = try cellar(arguments)
            #expect(result.status == status, "\(arguments): \(result.errors)")
            // What fails prints no result.
            if status == 1 { #expect(result.output.isEmpty && result.errors.hasPrefix("cellar: "), "\(arguments)") }
        }
    }

    @Test("answers in JSON have the keys that the article lists, and so have those in CSV")
    func keys() throws {
        let project = try DocumentedProject()
        try project.fill()
        let rows = try Article.named("ProgramContract").text.matches(of: /(?m)^\| `cellar ([^`]+)` \| (`[^|]+`) \|$/)
        #expect(rows.count >= 15)
        for row in rows {
            let command = row.1.split(separator: " ").map(String.init)
            let keys = row.2.split(separator: ",").map { $0.filter { $0 != "`" && $0 != " " } }
            let json = try project.cellar(command + ["--format", "ndjson"])
            let first = try #require(json.output.split(separator: "\n").first, "\(command): \(json.errors)")
            let object = try #require(try JSONSerialization.jsonObject(with: Data(first.utf8)) as? [String: Any])
            #expect(Set(object.keys) == Set(keys), "cellar \(row.1)")
            let array = try JSONSerialization.jsonObject(with: Data(project.cellar(command + ["--format", "json"]).output.utf8))
            #expect((array as? [[String: Any]])?.isEmpty == false, "cellar \(row.1)")
            let csv = try project.cellar(command + ["--format", "csv"])
            #expect(csv.output.split(separator: "\n").first.map(String.init) == keys.joined(separator: ","), "cellar \(row.1)")
        }
    }
}
