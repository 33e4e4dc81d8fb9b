import CellarKit
import TestSupport
import Testing

/// The queries of the site, asked of a catalog in which there is something of everything.
@Suite("The site's queries") struct ArticleQueryTests {
    @Test("each has an answer: the thirty of the cookbook, and those of other articles")
    func answers() throws {
        let project = try DocumentedProject()
        try project.fill()
        let connection = try QueryConnection(Catalog.open(at: CatalogDirectory(path: "\(project.folder)/.cellar")))
        #expect(try Article.named("Cookbook").queries.count == 30)
        for article in Article.all {
            for (heading, sql) in article.queries {
                var rows = 0
                #expect(throws: Never.self, "\(article.name): \(heading)") { try connection.run(sql) { _ in rows += 1 } }
                #expect(rows > 0, "\(article.name): \(heading) has no answer")
            }
        }
    }

    @Test("the cookbook's headings are numbered from 1 to 30")
    func numbers() throws {
        let headings = try Article.named("Cookbook").queries.map(\.heading)
        for (index, heading) in headings.enumerated() {
            #expect(heading.hasPrefix("\(index + 1). ") && heading.hasSuffix("?"), "\(heading)")
        }
    }
}
