import Basics
import Catalog
import CatalogSchema
import CellarKit
import Foundation
import Pipeline
import TestSupport
import Testing

@testable import Viewer

/// The resources that are not the table, as functions.
@Suite("The programming interface") struct ViewerAPITests {
    private static func json(_ value: some Encodable) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? [String: Any])
    }

    @Test("says what is served, and what the views mean")
    func session() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api(isReadOnly: true)
        let session = try Self.json(api.session(shareToken: "x"))
        #expect(session["catalog"] as? String == "cells" && session["version"] as? String == "1.2")
        #expect(session["tomograms"] as? Int == 3 && session["slabs"] as? Int == 1 && session["readOnly"] as? Bool == true)
        let views = api.views().views
        #expect(
            views.contains { $0.name == "v_object" && $0.columns.contains { $0.name == "volume_nm3" && $0.unit.value == "nm³" } })
        #expect(views.allSatisfy { !$0.about.isEmpty && !$0.columns.isEmpty }, "\(views.map(\.name))")
    }

    @Test("describes a tomogram with the same keys, whatever is known of it")
    func tomogram() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        let first = try Self.json(api.tomogram(1))
        #expect((first["shape"] as? [String: Int]) == ["x": 40, "y": 32, "z": 6])
        #expect((first["voxelSize"] as? [Double]) == [10, 10, 10])
        #expect((first["slabs"] as? [[String: Int]])?.map { [$0["zFirst"], $0["zEnd"]] } == [[1, 3]])
        #expect((first["evidence"] as? [[String: Any]])?.first?["source"] as? String == "header")
        #expect(first["extent"] is NSNull && first["stepsError"] is NSNull)
        let steps = try #require(first["steps"] as? [[String: Any]])
        #expect(steps.contains { $0["step"] as? String == DescribeStep.name && $0["state"] as? String == "missing" }, "\(steps)")
        let second = try Self.json(api.tomogram(2))
        #expect(second["voxelSize"] is NSNull && second.keys.sorted() == first.keys.sorted())
        #expect(throws: CatalogError.self) { try api.tomogram(4) }
        #expect(throws: CatalogError.self) { try api.tomogram(.max) }
    }

    @Test("lists objects in pages, sorted, and of one class")
    func objects() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        try served.describe(1, density: 1, objects: ServedCatalog.objects)
        let api = try served.api()
        let all = try api.objects(of: 1, class: nil, sort: "volume_nm3", limit: 5)
        #expect(all.total == 12 && all.rows.map { $0["number"]?.integer } == [12, 11, 10, 9, 8])
        let last = try api.objects(of: 1, class: "membrane", isDescending: true, offset: 2, limit: 100)
        #expect(last.total == 4 && last.rows.map { $0["number"]?.integer } == [6, 3])
        #expect(try api.objects(of: 2, class: "' OR 1 = 1 --").total == 0)
        #expect(throws: CatalogError.self) { try api.objects(of: 1, class: nil, sort: "number, (SELECT 1)") }
        #expect(throws: CatalogError.self) { try api.objects(of: 9, class: nil) }
    }

    @Test("answers SQL as the command does, within its limits")
    func query() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        let answer = try api.query("SELECT id, meta ->> 'grid' AS grid FROM v_tomogram ORDER BY id", limit: 2)
        #expect(answer.columns == ["id", "grid"] && answer.rows.count == 2 && answer.truncated)
        let text = try api.query("SELECT id, meta ->> 'grid' AS grid FROM v_tomogram ORDER BY id", as: .csv, limit: 2)
        #expect(String(decoding: text.text, as: UTF8.self) == "id,grid\n1,\"A3, \"\"left\"\"\"\n2,\n" && text.truncated)
        #expect(try !api.query("SELECT id FROM v_tomogram", limit: 3).truncated)
        #expect(try api.query("SELECT zeroblob(12000000)").truncated, "an answer has at most 8 MiB")
        let odd = #"SELECT 9e999 AS a, NULL AS "b""c", x'ff' AS d, 1.5 AS e, char(9, 92, 34, 228) AS f"#
        let encoded = try JSONEncoder().encode(api.query(odd))
        let written = try api.query(odd, as: .json, limit: 5)
        #expect(String(decoding: written.text, as: UTF8.self).contains(#"[null,null,"ff",1.5,"\u0009\\\"ä"]"#))
        let objects = try [encoded, Data(written.text)].map { data in
            try JSONSerialization.data(withJSONObject: JSONSerialization.jsonObject(with: data), options: .sortedKeys)
        }
        #expect(objects[0] == objects[1], "both ways of writing say the same")
        #expect(try api.query("SELECT id FROM v_tomogram", as: .json, limit: 0).truncated)
        for sql in ["DELETE FROM slab", "SELECT 1; SELECT 2", "", "PRAGMA user_version", "ATTACH 'x' AS y"] {
            #expect(throws: CatalogError.self, "\(sql)") { try api.query(sql) }
        }
        #expect(throws: ViewerError.self) { try api.query("SELECT 1", limit: 10_001) }
        #expect(throws: ViewerError.self) { try api.query("SELECT 1", as: .csv, limit: 1_000_001) }
    }

    @Test("gives plan, reasons, runs and failures by the names of the commands")
    func questions() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        let plan = try Self.json(#require(api.plan().first { $0.step == DescribeStep.name }))
        #expect(plan["items"] as? Int == 3 && plan["stale"] as? Int == 3, "\(plan)")
        #expect(plan["estimated_seconds"] is NSNull && plan["known"] as? Int == 0)
        let why = try api.why(1, step: DescribeStep.name)
        #expect(why.tomogram == "d/t1" && why.groups.count == 1 && why.firstCause.value?.step == DescribeStep.name)
        #expect(throws: EngineError.self) { try api.why(1, step: "nothing") }
        #expect(try api.runs().runs.isEmpty && api.failures().failures.isEmpty)
        try served.describe(1, density: 1)
        #expect(try api.runs(limit: -1).runs.isEmpty)
        #expect(try api.runs().runs.first?["status"] == .text("done"))
    }

    @Test("draws the plots of the command")
    func plots() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        try served.describe(1, density: 1, objects: ServedCatalog.objects)
        let api = try served.api()
        var request = ViewerAPI.PlotRequest(kind: "histogram")
        #expect(throws: ViewerError.self) { try api.plot(request) }
        request.column = "volume_nm3"
        let picture = try api.plot(request)
        #expect(picture.hasPrefix("<svg") && !picture.contains("<script") && !picture.contains("style="))
        request.condition = "class = '<script>'"
        #expect(throws: CatalogError.self) { try api.plot(request) }
        for kind in ["box", "precision-recall", "runs", "scatter", "curves", "pie"] {
            #expect(throws: (any Error).self, "\(kind)") { try api.plot(ViewerAPI.PlotRequest(kind: kind)) }
        }
    }

    @Test("adds and removes slabs as the commands do, and not where the server only reads")
    func slabs() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        let api = try served.api()
        let slab = ViewerAPI.NewSlab(tomogram: 1, zFirst: 2, zEnd: 6)
        let id = try api.add(slab).id
        #expect(try api.add(slab).id == id, "the same slices are the same slab")
        #expect(try served.catalog.collection.slabs(ofTomogram: 1).map { [$0.zFirst, $0.zEnd] } == [[1, 3], [2, 6]])
        _ = try api.removeSlab(id)
        #expect(throws: CatalogError.self) { try api.removeSlab(id) }
        for (first, end) in [(0, 7), (3, 3), (-1, 2), (5, 2), (.max, .min), (0, .max)] {
            #expect(throws: (any Error).self, "\(first)..<\(end)") {
                try api.add(ViewerAPI.NewSlab(tomogram: 1, zFirst: first, zEnd: end))
            }
        }
        #expect(throws: CatalogError.self) { try api.add(ViewerAPI.NewSlab(tomogram: 99, zFirst: 0, zEnd: 1)) }
        let reader = try served.api(isReadOnly: true)
        #expect(throws: ViewerError.self) { try reader.add(slab) }
        #expect(throws: ViewerError.self) { try reader.removeSlab(1) }
        #expect(try served.catalog.summary().slabs == 1)
    }

    @Test("events tell of commits, and of a run as far as it was published")
    func events() throws {
        let served = try ServedCatalog()
        defer { withExtendedLifetime(served) {} }
        var events = try CatalogEvents(Project(at: served.project.directory))
        #expect(try events.next().count == 1, "the state of the catalog comes first")
        #expect(try events.next().isEmpty)
        try served.catalog.collection.addSlab(tomogramID: 2, z: 0..<1)
        let change = try events.next()
        #expect(change.count == 1 && change[0].hasPrefix("event: catalog\ndata: {") && change[0].hasSuffix("}\n\n"), "\(change)")
        for (command, hasTotal) in [("run --until \(DescribeStep.name)", false), ("run", true)] {
            var lock: RunLock? = try RunLock(served.catalog)
            let (runID, _) = try served.catalog.runs.begin(
                command: command, version: "0", owner: "test", host: "here", pid: 1,
                recipe: (Digest(of: command.utf8), "{}"), configurations: [])
            let run = try #require(events.next().last)
            #expect(run.hasPrefix("event: run\n") && run.contains(#""running":true"#) && run.contains(#""finished":0"#), "\(run)")
            #expect(run.contains(#""total":null"#) == !hasTotal, "\(run)")
            try served.catalog.runs.end(runID, status: .done)
            withExtendedLifetime(lock) {}
            lock = nil
            let end = try events.next()
            #expect(end.last?.contains(#""running":false"#) == true, "\(end)")
            #expect(try events.next().isEmpty)
        }
    }
}
