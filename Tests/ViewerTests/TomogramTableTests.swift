import Basics
import Catalog
import CellarKit
import Pipeline
import TestSupport
import Testing

@testable import Viewer

/// The collection as a table: sorted, filtered, and counted.
@Suite("The table of tomograms") struct TomogramTableTests {
    private static func names(_ table: JSONTable) -> [String] { table.rows.map { $0["name"]?.plainText ?? "" } }

    @Test("has the columns of the view, with their units, and metrics by step and name")
    func columns() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        try served.describe(2, density: 4)
        let columns = try served.api().columns().columns
        let size = try #require(columns.first { $0.name == "voxel_size" })
        #expect(size.type == "real" && size.unit.value == "Å" && size.group == .tomogram)
        #expect(columns.first { $0.name == "meta" }?.unit.value == nil)
        #expect(columns.contains { $0.name == "\(DescribeStep.name)/density_mean" && $0.group == .metric })
        // What is documented is what the database has.
        let connection = try QueryConnection(served.catalog)
        #expect(try columns.filter { $0.group == .tomogram }.map(\.name) == ViewColumns("v_tomogram", in: connection).names)
    }

    @Test("is sorted by any column, and what has no value comes last")
    func sorting() throws {
        let served = try ServedCatalog(tomograms: 4)
        defer { withExtendedLifetime(served) {} }
        for (id, density) in [(1, 5.0), (3, 7), (4, 5)] { try served.describe(Int64(id), density: density) }
        let api = try served.api()
        var request = ViewerAPI.TomogramRequest()
        for column in ["density_mean", "\(DescribeStep.name)/density_mean"] {
            request.sort = column
            request.isDescending = false
            #expect(Self.names(try api.tomograms(request)) == ["t1", "t4", "t3", "t2"], "\(column)")
            request.isDescending = true
            #expect(Self.names(try api.tomograms(request)) == ["t3", "t1", "t4", "t2"], "\(column)")
        }
        request.sort = "name"
        #expect(Self.names(try api.tomograms(request)) == ["t4", "t3", "t2", "t1"])
    }

    @Test("gives pages, chosen columns and filtered rows, and is right again after a commit")
    func paging() throws {
        let served = try ServedCatalog(tomograms: 25)
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        var request = ViewerAPI.TomogramRequest()
        (request.offset, request.limit) = (20, 10)
        request.columns = ["name"]
        let page = try api.tomograms(request)
        #expect(page.total == 25 && page.offset == 20)
        #expect(Self.names(page) == ["t21", "t22", "t23", "t24", "t25"])
        #expect(page.rows[0].columns == ["id", "name"])
        request.offset = 1000
        #expect(try api.tomograms(request).rows.isEmpty)
        request.offset = 0
        request.condition = "id > 22 -- the last ones"
        #expect(try api.tomograms(request).total == 3)
        request.condition = "density_mean > 1"
        #expect(try api.tomograms(request).total == 0)
        try served.describe(7, density: 2)
        let found = try api.tomograms(request)
        #expect(found.total == 1 && Self.names(found) == ["t7"])
        request.columns = ["\(DescribeStep.name)/density_mean"]
        #expect(try api.tomograms(request).rows.first?["\(DescribeStep.name)/density_mean"] == .real(2))
    }

    @Test(
        "refuses what is no column, and SQL that does anything but compare",
        arguments: [
            "name; DROP TABLE tomogram", "\"id\"", "1", "describe/nothing", "id DESC", String(repeating: "x", count: 10_000),
        ])
    func refusing(column: String) throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        var request = ViewerAPI.TomogramRequest()
        request.sort = column
        #expect(throws: ViewerError.self) { try api.tomograms(request) }
        request.sort = "id"
        request.columns = [column]
        #expect(throws: ViewerError.self) { try api.tomograms(request) }
        #expect(throws: ViewerError.self) { try api.histogram(of: column, where: nil) }
        request.columns = nil
        for condition in ["1) ; DELETE FROM slab; --", "(DELETE FROM slab)", "load_extension('x')", "nothing = 1", ""] {
            request.condition = condition
            #expect(throws: CatalogError.self, "\(condition)") { try api.tomograms(request) }
        }
        #expect(try served.catalog.summary().slabs == 1)
    }

    @Test("counts numbers in bins, and names")
    func histograms() throws {
        let served = try ServedCatalog(tomograms: 10)
        defer { withExtendedLifetime(served) {} }
        for id in 1...8 { try served.describe(Int64(id), density: Double(id)) }
        let api = try served.api()
        for column in ["density_mean", "\(DescribeStep.name)/density_mean"] {
            let numbers = try api.histogram(of: column, where: nil, bins: 7)
            #expect(numbers.kind == .numbers && numbers.missing == 2)
            #expect(numbers.counts == [1, 1, 1, 1, 1, 1, 2])
            #expect(numbers.edges?.count == 8 && numbers.edges?.first == 1 && numbers.edges?.last == 8)
        }
        let names = try api.histogram(of: "dataset", where: "id < 5")
        #expect(names.kind == .names && names.values?.map(\.count) == [4] && names.values?.first?.value == "d")
        #expect(throws: ViewerError.self) { try api.histogram(of: "id", where: nil, bins: 0) }
    }

    @Test("counts every value once, whatever the values are")
    func histogramProperty() {
        var random = RandomStream(seed: 21)
        let extremes = [
            0, -0.0, 1, -1, 1e308, -1e308, .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude, 1e-300,
        ]
        for _ in 0..<300 {
            let count = random.integer(in: 0...20)
            let values = (0..<count).map { _ in
                random.index(below: 2) == 0 ? extremes[random.index(below: extremes.count)] : random.normal()
            }
            let bins = random.integer(in: 1...9)
            let histogram = ViewerAPI.histogram(values, bins: bins, missing: 0)
            #expect(histogram.counts?.reduce(0, +) == count)
            #expect(histogram.edges?.allSatisfy(\.isFinite) == true, "\(values)")
            if count > 0 { #expect(histogram.edges?.count == bins + 1 && histogram.counts?.count == bins) }
        }
    }
}
