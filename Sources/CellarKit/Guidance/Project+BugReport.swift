import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline

extension Project {
    /// What somebody needs who is to find out what went wrong, as a text in Markdown: versions, machine, findings, recipe, what is stale, the
    /// last runs, and what failed last, with the end of what its workers said.
    ///
    /// It has no voxel, no label and no coordinate; of paths only the last component stays (`PathScrubber`). It does have the names of
    /// tomograms and datasets.
    ///
    /// - Parameter version: what the program says of itself, on one line.
    /// - Throws: `CatalogError` where the catalog cannot be read. What else cannot be found out is said in the report.
    /// - Complexity: a plan of all tomograms; opens none.
    public func bugReport(version: String) throws -> String {
        var text = "# Report of a problem with Cellar\n\n"
        text += "What I did, what I expected, and what happened instead:\n\n…\n\n## Program and machine\n\n"
        text += Self.list([("cellar", version)] + (try systemFacts()))
        text += "\n## Findings\n\n" + Self.said { try findings().map { "* \($0)\n" }.joined() }
        text += "\n## Catalog\n\n" + (try table(Self.collections, "no tomogram"))
        text += "\n## Recipe, where it differs from the defaults\n\n" + Self.said { try differences() }
        text += "\n## What is stale\n\n" + Self.said { try planTable() }
        text += "\n## Last runs\n\n" + (try table(Self.runs, "none"))
        text += "\n## What failed\n\n" + (try failures())
        // Line by line: what a worker printed may have anything in it.
        return scrubber.scrubbed(text).split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0).withVisibleControlCharacters }.joined(separator: "\n")
    }

    private var scrubber: PathScrubber {
        PathScrubber(folders: ["CATALOG": directory.path, "ARTIFACTS": directory.blobs])
    }

    private static let collections = """
        SELECT dataset, count(*) AS tomograms, size_x || ' × ' || size_y || ' × ' || size_z AS size, round(voxel_size, 2) AS voxel_size
        FROM v_tomogram GROUP BY dataset, size_x, size_y, size_z, round(voxel_size, 2) ORDER BY tomograms DESC LIMIT 20
        """
    private static let runs = """
        SELECT id, started_at, ended_at, status, version, done, failed, skipped, command FROM v_run ORDER BY id DESC LIMIT 10
        """
    private static let failed = """
        SELECT step, ifnull(dataset || '/' || tomogram, training_set), z_first, z_end, error, text, started_at
        FROM v_failure LEFT JOIN v_log USING (trace_id) WHERE status = 'failed' ORDER BY trace_id DESC LIMIT 10
        """

    private func failures() throws -> String {
        var text = ""
        try query(Self.failed) { row in
            let z = row[2] == .null ? "" : ", slices \(row[2].plainText)..<\(row[3].plainText)"
            text += "### \(row[0].plainText) of \(row[1].plainText)\(z), \(row[6].plainText)\n\n\(row[4].plainText)\n"
            if row[5] != .null { text += "\n```\n\(row[5].plainText)\n```\n" }
            text += "\n"
        }
        return text.isEmpty ? "nothing\n" : text
    }

    private func planTable() throws -> String {
        let rows = try plan().summaries.filter { $0.fresh < $0.total || $0.failed > 0 }.map { step in
            "* \(step.step): \(step.total) items, \(step.fresh) fresh, \(step.failed) failed\n"
        }
        return rows.isEmpty ? "nothing\n" : rows.joined()
    }

    private func differences() throws -> String {
        let recipe = try recipe()
        return recipe.entries.filter { recipe[$0.key] != $0.parameter.defaultValue }.map { entry in
            "* \(entry.key): \(recipe[entry.key]?.text ?? "")\n"
        }.joined()
    }

    /// The rows of a query, a line each.
    private func table(_ sql: String, _ none: String) throws -> String {
        var (names, text) = ([String](), "")
        func add(_ row: [QueryValue]) {
            let values = zip(names, row).filter { $1 != .null }.map { "\($0): \($1.plainText)" }
            text += "* \(values.joined(separator: ", "))\n"
        }
        try QueryConnection(catalog).run(sql, columns: { names = $0 }, row: add)
        return text.isEmpty ? none + "\n" : text
    }

    private static func list(_ facts: [(name: String, value: String)]) -> String {
        facts.map { "* \($0.name): \($0.value)\n" }.joined()
    }

    /// What a closure says, or why it could not: a report is of use also where the catalog is not well.
    private static func said(_ body: () throws -> String) -> String {
        do {
            let text = try body()
            return text.isEmpty ? "nothing\n" : text
        } catch {
            return "not found out: \(error.sentence)\n"
        }
    }
}
