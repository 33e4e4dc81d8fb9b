import CatalogSchema
import CellarKit
import Foundation
import TestSupport
import Testing

private let python = PythonProgram(running: "import datasette")

/// `Schema/datasette.yaml`: what Datasette says of views and columns, and the cookbook as its canned queries.
@Suite struct DatasetteTests {
    /// A text as YAML: JSON's strings are YAML's.
    private func quoted(_ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode(text), as: UTF8.self)
    }

    /// The tables behind the views, which are not public.
    private func tables() throws -> [String] {
        try Repository.text(of: "Schema/schema.sql").matches(of: /(?m)^CREATE TABLE (\w+)/).map { String($0.1) }.sorted()
    }

    private func metadata() throws -> String {
        var lines = [
            "# What Datasette says of a catalog: datasette .cellar/catalog.sqlite --metadata Schema/datasette.yaml",
            "# It follows from Schema/views.md and from the cookbook of the site; `make reference` writes it anew.",
            "title: A catalog of Cellar",
            "description: Tomograms, slabs, results and numbers. Ask the views; tables are not public.",
            "databases:",
            "  catalog:",
            "    tables:",
        ]
        for view in ViewDocumentation.all {
            lines += ["      \(view.name):", "        description: \(try quoted(view.about))", "        columns:"]
            for column in view.columns {
                let unit = column.unit.map { column.meaning.isEmpty ? $0 : "\(column.meaning) (\($0))" } ?? column.meaning
                lines.append("          \(column.name): \(try quoted(unit))")
            }
        }
        for table in try tables() { lines += ["      \(table):", "        hidden: true"] }
        lines.append("    queries:")
        for (index, query) in try Article.named("Cookbook").queries.enumerated() {
            lines += ["      question-\(index + 1):", "        title: \(try quoted(query.heading))", "        sql: |-"]
            lines += query.sql.split(separator: "\n").map { "          \($0)" }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    @Test("the committed file says what views.md and the cookbook say; CELLAR_RECORD=1 writes it, and fails")
    func file() throws {
        #expect(try tables().count >= 20)
        try GoldenFile(repository: "Schema/datasette.yaml").expect(metadata(), recordedBy: "make reference")
    }

    @Test(
        "Datasette answers every question, shows every view, and hides tables", .enabled(if: python != nil, PythonProgram.absence)
    )
    func answers() throws {
        let project = try DocumentedProject()
        try project.fill()
        let script = """
            import asyncio, sys
            from datasette.app import Datasette
            from datasette.utils import parse_metadata

            async def main(catalog, metadata):
                described = parse_metadata(open(metadata).read())
                datasette = Datasette([catalog], metadata=described)
                queries = described["databases"]["catalog"]["queries"]
                for name in queries:
                    answer = await datasette.client.get(f"/catalog/{name}.json?_shape=array")
                    assert answer.status_code == 200, (name, answer.text)
                    assert answer.json(), name
                page = (await datasette.client.get("/catalog/v_tomogram")).text
                assert "between z and the normal of the sample" in page
                shown = (await datasette.client.get("/catalog.json")).json()
                assert not [table["name"] for table in shown["tables"] if not table["hidden"]], shown["tables"]
                assert "v_object" in [view["name"] for view in shown["views"]], shown["views"]
                print(len(queries), "questions")

            asyncio.run(main(*sys.argv[1:]))
            """
        let output = try #require(python).run(
            ["-c", script, "\(project.folder)/.cellar/catalog.sqlite", Repository.file("Schema/datasette.yaml")])
        #expect(output == "30 questions\n")
    }
}
