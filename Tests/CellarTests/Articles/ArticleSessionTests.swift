import Foundation
import TestSupport
import Testing

/// The sessions of the site, run as they stand there.
@Suite("The site's sessions") struct ArticleSessionTests {
    /// The tutorials go on from one another, and begin in an empty folder: `TutorialTests` runs them.
    private static let tutorials: Set = ["FirstSegmentation", "OwnNetworks"]

    @Test(
        "the commands of an article run, and print what it says where it says it",
        arguments: Article.all.filter { !$0.sessions.isEmpty && !tutorials.contains($0.name) })
    func session(article: Article) throws {
        let project = try DocumentedProject()
        for entry in article.sessions.flatMap(\.entries) {
            let result = try project.shell(entry.command)
            #expect(result.status == 0, "\(article.name): \(entry.command): \(result.errors)")
            guard !entry.output.isEmpty else { continue }
            let lines = { (text: String) in Transcript.masked(text, folder: project.folder) }
            let difference = Transcript.difference(
                of: lines(result.output), and: lines(result.errors), to: lines(entry.output.joined(separator: "\n")))
            if let difference {
                Issue.record("\(article.name): $ \(entry.command)\n\(difference)\n\(result.output)\(result.errors)")
            }
        }
    }

    @Test("nearly every article has a session, and most of what commands an article shows are run")
    func coverage() {
        let run = Article.all.flatMap(\.sessions).flatMap(\.entries).count
        let parsed = Article.all.flatMap { $0.code(in: "sh") }.joined().split(separator: "\n").filter { $0.hasPrefix("cellar") }
            .count
        #expect(run > 100 && run > 2 * parsed, "\(run) run, \(parsed) parsed")
        #expect(Article.all.filter { !$0.sessions.isEmpty }.count >= 16)
    }
}
