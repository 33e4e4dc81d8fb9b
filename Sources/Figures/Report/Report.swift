import Basics
public import BlobStore
public import Catalog
public import Engine
import Foundation

/// A page about some tomograms: what was found in them, how well it agrees with annotations, and the origin of each number.
///
/// ```swift
/// let report = try Report(catalog, store, selection: nil, dataset: "pombe", pictures: 12)
/// let plan = try planner.plan(selection: report.tomogramIDs)
/// let html = try report.page(plan: plan).text
/// ```
///
/// It shows the results that stand, fresh or stale. Each number links to the trace that gave it, with parameters and inputs.
public struct Report {
    /// A tomogram of the page.
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

    let catalog: Catalog
    let store: @Sendable () throws -> BlobStore
    let connection: QueryConnection
    let tomograms: [Tomogram]
    let title: String
    let pictureCount: Int

    /// The tomograms of the page, in the order of their datasets and names.
    public var tomogramIDs: [Int64] { tomograms.map(\.id) }

    /// - Parameters:
    ///   - store: of the catalog. It is opened only where pictures are drawn.
    ///   - selection: the ids of tomograms; nil for all.
    ///   - dataset: the name of a dataset, for only its tomograms; nil for those of all datasets.
    ///   - pictures: the number of tomograms that are drawn, evenly spread over the list.
    /// - Throws: ``CatalogError`` where there is no such dataset, or no tomogram.
    public init(
        _ catalog: Catalog, _ store: @autoclosure @escaping @Sendable () throws -> BlobStore, selection: [Int64]?,
        dataset: String?,
        pictures: Int
    ) throws {
        self.catalog = catalog
        self.store = store
        connection = try QueryConnection(catalog)
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

    /// The page.
    ///
    /// - Parameter plan: of ``tomogramIDs``. The page says which steps have stale results.
    /// - Throws: ``CatalogError`` where the database cannot be read; the error of a picture. A tomogram whose file cannot be read
    ///   is no error.
    /// - Complexity: queries; and for each tomogram that is drawn, one slice of its file and of its results.
    public func page(plan: Plan) throws -> HTMLPage {
        var page = HTMLPage(title: title)
        let objects = try objectCounts().sorted { $0.key < $1.key }.map { ", \($0.value) × \($0.key)" }.joined()
        page.paragraph(
            "\(tomograms.count) tomograms\(objects). Made by Cellar on \(Self.today) from the results that stand in "
                + "\(catalog.directory.path). A number that is underlined links to what gave it.")
        addState(plan, to: &page)
        var traces: Set<Int64> = []
        try addTomograms(to: &page, &traces)
        try addObjects(to: &page, &traces)
        try addMining(to: &page)
        try addEvaluation(to: &page, &traces)
        try addPictures(to: &page)
        try addTraining(to: &page, &traces)
        try addProvenance(of: traces, to: &page)
        return page
    }

    private static var today: String { Date.now.formatted(.iso8601.year().month().day()) }

    /// A sentence that says whether results are stale.
    private func addState(_ plan: Plan, to page: inout HTMLPage) {
        let open = plan.summaries.filter { $0.stale + $0.waiting > 0 }
        guard !open.isEmpty else { return page.paragraph("Everything in it was fresh.") }
        let words = open.map { "\($0.step) (\($0.stale + $0.waiting))" }.joined(separator: ", ")
        page.paragraph("Not everything in it was fresh: `cellar run` had items to do of \(words).")
    }

    /// The ids of the tomograms as an SQL list, without parentheses.
    var idList: String { tomograms.map { "\($0.id)" }.joined(separator: ",") }

    /// All rows of a query.
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
    /// The number with at most four significant digits, for a table.
    var brief: String {
        formatted(.number.precision(.significantDigits(1...4)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
    }
}
