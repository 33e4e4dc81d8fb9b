import Basics
import CellarKit
import Foundation

/// A page about some tomograms: what was found in them, how good it is, and where every number comes from.
struct Report {
    /// A tomogram, as a row of the page.
    struct Tomogram {
        let id: Int64
        let dataset: String
        let name: String
        let size: String
        let voxelSize: Double?
        let slabs: Int64
    }

    /// A number, and the trace that gave it.
    struct Number {
        let value: Double
        let trace: Int64
    }

    let workspace: Workspace
    let connection: QueryConnection
    let tomograms: [Tomogram]
    let title: String
    let pictureCount: Int

    /// - Parameters:
    ///   - selection: ids of tomograms; nil for all.
    ///   - dataset: only its tomograms; nil for those of all.
    /// - Throws: ``CatalogError`` where there is no such dataset, or no tomogram.
    init(_ workspace: Workspace, selection: [Int64]?, dataset: String?, pictures: Int) throws {
        self.workspace = workspace
        connection = try QueryConnection(workspace.catalog)
        pictureCount = pictures
        let chosen = selection.map(Set.init)
        var tomograms: [Tomogram] = []
        try connection.run(
            "SELECT id, dataset, name, size_x, size_y, size_z, voxel_size, slabs FROM v_tomogram ORDER BY dataset, name"
        ) { row in
            guard case .integer(let id) = row[0], chosen?.contains(id) ?? true, dataset == nil || row[1].plainText == dataset
            else { return }
            tomograms.append(
                Tomogram(
                    id: id, dataset: row[1].plainText, name: row[2].plainText,
                    size: row[3...5].map(\.plainText).joined(separator: " × "), voxelSize: row[6].number,
                    slabs: row[7].integer ?? 0)
            )
        }
        guard !tomograms.isEmpty else {
            let what = dataset.map { "the dataset \($0) has no tomogram" } ?? "there is no tomogram"
            throw CatalogError(
                .notFound, "\(what)\(selection == nil ? "" : " that --where lets through"); `cellar list tomograms` shows all")
        }
        self.tomograms = tomograms
        let datasets = Set(tomograms.map(\.dataset)).sorted()
        title = datasets.count <= 3 ? datasets.joined(separator: ", ") : "\(datasets.count) datasets"
    }

    /// - Complexity: reads some slices of each tomogram that is drawn, and no volume.
    func page() throws -> HTMLPage {
        var page = HTMLPage(title: title)
        let objects = try objectCounts().sorted { $0.key < $1.key }.map { ", \($0.value) × \($0.key)" }.joined()
        page.paragraph(
            "\(tomograms.count) tomograms\(objects). Made by Cellar on \(Self.today) from the results that stand in "
                + "\(workspace.directory.path). A number that is underlined links to what gave it.")
        try addState(to: &page)
        var traces: Set<Int64> = []
        try addTomograms(to: &page, &traces)
        try addObjects(to: &page, &traces)
        try addEvaluation(to: &page, &traces)
        try addPictures(to: &page)
        try addTraining(to: &page, &traces)
        try addProvenance(of: traces, to: &page)
        return page
    }

    private static var today: String { Date.now.formatted(.iso8601.year().month().day()) }

    /// What `cellar plan` says of the selection: a report of stale results should say that it is one.
    private func addState(to page: inout HTMLPage) throws {
        let plan = try Planner(workspace.catalog, graph: workspace.graph, recipe: workspace.recipe()).plan(
            selection: tomograms.map(\.id))
        let open = plan.summaries.filter { $0.stale + $0.waiting > 0 }
        guard !open.isEmpty else { return page.paragraph("Everything in it was fresh.") }
        let words = open.map { "\($0.step) (\($0.stale + $0.waiting))" }.joined(separator: ", ")
        page.paragraph("Not everything in it was fresh: `cellar run` had items to do of \(words).")
    }

    /// The ids as SQL has a list.
    var idList: String { tomograms.map { "\($0.id)" }.joined(separator: ",") }

    /// Rows of a query.
    func rows(_ sql: String, parameters: [String: QueryValue] = [:]) throws -> [[QueryValue]] {
        var rows: [[QueryValue]] = []
        try connection.run(sql, parameters: parameters) { rows.append($0) }
        return rows
    }

    /// A number as a cell that links to its trace.
    func cell(_ number: Number?, _ traces: inout Set<Int64>) -> HTMLPage.Cell {
        guard let number else { return HTMLPage.Cell(text: "", isNumber: true) }
        traces.insert(number.trace)
        return HTMLPage.Cell(text: number.value.brief, isNumber: true, source: "trace-\(number.trace)")
    }
}

extension Double {
    /// Four significant digits: more than anybody reads in a table.
    var brief: String {
        formatted(.number.precision(.significantDigits(1...4)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
    }
}
