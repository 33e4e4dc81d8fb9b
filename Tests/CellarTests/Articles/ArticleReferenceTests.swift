import CatalogSchema
import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// What articles name is there: parameters, views, files, pictures, sentences of the program.
@Suite("What the site names") struct ArticleReferenceTests {
    @Test("parameters are those of the recipe, and take the values that are written beside them")
    func parameters() throws {
        let scene = try CommandScene()
        let shown = scene.run("recipe", "show", "--format", "csv").output
        let known = Set(shown.split(separator: "\n").dropFirst().compactMap { $0.split(separator: ",").first.map(String.init) })
        let groups = Set(known.compactMap { $0.split(separator: ".").first.map(String.init) })
        var count = 0
        for article in Article.all {
            for word in article.spans.flatMap({ $0.split(separator: " ").map(String.init) }) {
                guard let match = word.wholeMatch(of: /([a-z-]+)\.([a-z_0-9.]+)(?:=(\S*))?/), groups.contains(String(match.1))
                else { continue }
                let key = "\(match.1).\(match.2)"
                #expect(known.contains(key), "\(article.name): there is no parameter \(key)")
                count += 1
                // A model of the reader's own is not in this catalog.
                guard let value = match.3, !value.isEmpty, value != "sd15", value != "NAME", value != "elsewhere" else {
                    continue
                }
                let set = scene.run("recipe", "set", word)
                #expect(set.status == 0, "\(article.name): \(word): \(set.errors)")
            }
        }
        #expect(count > 40)
    }

    @Test("views and columns are public ones")
    func views() {
        let known = Dictionary(uniqueKeysWithValues: ViewDocumentation.all.map { ($0.name, Set($0.columns.map(\.name))) })
        for article in Article.all {
            for span in article.spans {
                guard let match = span.wholeMatch(of: /(v_[a-z_]+)(?:\.([a-z_0-9]+))?/) else { continue }
                let columns = known[String(match.1)]
                #expect(columns != nil, "\(article.name): there is no view \(span)")
                if let column = match.2 { #expect(columns?.contains(String(column)) == true, "\(article.name): \(span)") }
            }
        }
        // The overview of views names each.
        let named = (try? Article.named("AskingInSQL").spans) ?? []
        for view in known.keys { #expect(named.contains(view), "AskingInSQL does not name \(view)") }
    }

    @Test("files of the repository are there, and so are the sections of the notes on measurements")
    func files() throws {
        let notes = try Repository.text(of: "Benchmarks/NOTES.md")
        let headings = Set(notes.matches(of: /(?m)^## (.*)$/).map { String($0.1) })
        for article in Article.all {
            for span in article.spans where span.contains(/^(Sources|Tests|Schema|Benchmarks|Migrations|\.ci)\/[^ …*]*$/) {
                #expect(FileManager.default.fileExists(atPath: Repository.file(span)), "\(article.name): \(span)")
            }
            for match in article.text.matches(of: /notes, \*([^*]+)\*/) {
                #expect(headings.contains(String(match.1)), "\(article.name): the notes have no section \(match.1)")
            }
        }
    }

    @Test("links lead to pages, every page has one, and every picture is used and small")
    func links() throws {
        let names = Set(Article.all.map(\.name))
        var linked: Set<String> = []
        var pictures: Set<String> = []
        for article in Article.all {
            for match in article.text.matches(of: /<doc:([^>]+)>/) {
                #expect(names.contains(String(match.1)), "\(article.name): no page \(match.1)")
                linked.insert(String(match.1))
            }
            for match in article.text.matches(of: /!\[([^\]]+)\]\(([^)]+)\)/) { pictures.insert(String(match.2)) }
        }
        #expect(names.subtracting(linked) == ["CellarKit"])
        let files = try FileManager.default.contentsOfDirectory(atPath: Repository.file(Article.resources))
        #expect(Set(files.map { String($0.prefix { $0 != "." }) }) == pictures)
        let sizes = try files.map { name in
            let path = Repository.file("\(Article.resources)/\(name)")
            let size = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            #expect(size <= 150_000, "\(name) has \(size) bytes")
            return size
        }
        #expect(sizes.reduce(0, +) <= 2_000_000)
        // What draws them.
        let script = try Repository.text(of: ".ci/pictures")
        for name in files { #expect(script.contains(name.prefix { $0 != "." }), ".ci/pictures does not draw \(name)") }
    }

    @Test("code in Swift is that of a file that is compiled")
    func code() throws {
        let sources = try Repository.swiftFiles(in: "Tests").map { try Repository.text(of: $0) }
        let blocks = Article.all.flatMap { $0.code(in: "swift") }
        #expect(blocks.count >= 2)
        for block in blocks { #expect(sources.contains { $0.contains(block) }, "\(block)") }
    }

    @Test("sentences of errors are the program's")
    func errors() throws {
        // As one text: strings that go on in the next line, by a plus or by a backslash, without the break.
        let text = try Repository.swiftFiles(in: "Sources").map { try Repository.text(of: $0) }.joined()
            .replacing(/"\s*\+\s*"/, with: "").replacing(/\\\n\s*/, with: "")
        var count = 0
        for line in try Article.named("Troubleshooting").text.split(separator: "\n") {
            guard let match = line.firstMatch(of: /^\| `([^`]+)` \|/) else { continue }
            count += 1
            for part in match.1.split(separator: "…") {
                let words = part.drop { $0 == " " }
                #expect(text.contains(words), "the program does not say: \(words)")
            }
        }
        #expect(count >= 30)
    }
}
