import Catalog
import CatalogSchema
import Engine
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Pieces of membrane") struct MembranePiecesTests {
    @Test("a flat sheet has its area, thickness and profile, and no curvature; nothing of it is kept where nobody asks")
    func sheet() throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-membrane.epoch.count": "6", "train-particles.epoch.count": "12", "pick.network": "trained"])
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let query = try QueryConnection(collection.catalog)
        func rows(_ sql: String) throws -> [[String]] {
            var rows: [[String]] = []
            try query.run(sql) { row in rows.append(row.map(\.plainText)) }
            return rows
        }
        let columns =
            "number, area_nm2, mean_curvature, sphere_radius, thickness, profile_step, other_part, places, curved_places"
        let found = try rows("SELECT \(columns), profile FROM v_membrane ORDER BY area_nm2 DESC")
        let sheet = try #require(found.first)
        #expect(
            Set(found.map { $0[0] }).isSubset(
                of: Set(try rows("SELECT number FROM v_object WHERE class = 'membrane'").map { $0[0] })))
        // 24 · 64 voxels of 10 Å, of which the network may miss a rim.
        let area = try #require(Double(sheet[1]))
        #expect(area > 0.85 * 24 * 64 && area < 1.1 * 24 * 64, "\(area)")
        #expect(abs(try #require(Double(sheet[2]))) < 0.001)
        #expect(sheet[3].isEmpty)
        // Three voxels, through which density is interpolated.
        let thickness = try #require(Double(sheet[4]))
        #expect(abs(thickness - 30) < 6, "\(thickness)")
        #expect(sheet[5] == "5.0")
        #expect(try #require(Int(sheet[8])) <= #require(Int(sheet[7])))
        let profile = sheet[9].dropFirst().dropLast().split(separator: ",").map { Double($0) }
        #expect(profile.count == 61)
        #expect(try #require(profile[30]) < -3)
        #expect(abs(try #require(profile[12])) < 0.5)

        // Drawn at another thickness it has another volume, and is the same sheet.
        collection.settings["membrane.thickness"] = "60"
        _ = try collection.run()
        let drawn = try rows("SELECT \(columns) FROM v_membrane ORDER BY area_nm2 DESC")
        #expect(drawn.first?[1] == sheet[1] && drawn.first?[4] == sheet[4])

        collection.settings["measure.membranes"] = "false"
        _ = try collection.run()
        #expect(try rows("SELECT number FROM v_membrane").isEmpty)
        #expect(try !rows("SELECT number FROM v_object WHERE class = 'membrane'").isEmpty)
    }
}
