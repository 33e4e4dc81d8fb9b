import CellarKit
import Foundation
import TestSupport
import Testing

@Suite("Kinds of a collection") struct FoundKindsTests {
    /// Rows in groups 40 apart, each with a spread of about 1.
    private func rows(_ groups: [Int], seed: Int = 0) -> [[Float]] {
        groups.enumerated().map { index, group in
            let angle = Double(index * 7919 + seed * 104_729)
            return (0..<4).map { Float(sin(angle * Double($0 + 1)) + ($0 == group ? 40 : 0)) }
        }
    }

    @Test("kinds are found over tomograms, kept when found again, and named without a computation")
    func found() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let project = described.project
        let groups = (0..<60).map { $0 % 3 == 0 ? 1 : 0 }
        try described.add("t", rows(groups))
        try described.add("u", rows(groups, seed: 1))
        try described.add("v", [[0, 0, 0]], parts: "shells,form")
        let first = try project.findKinds()
        #expect(first.numbers == [1, 2] && first.new == [1, 2])
        #expect(first.particles == 120 && first.tomograms == 2 && first.others == 1)
        #expect(try project.recipe()["measure-picks.kinds"]?.text == "kinds")
        let record = try project.catalog.collection.model(named: "kinds")
        #expect(record.kind == "kinds" && record.provenance == "2 kinds of 120 particles of 2 tomograms")
        try project.catalog.collection.nameKind(2, "ribosome")

        // A third kind in a new tomogram gets a new number; the others keep theirs, though they are no longer in the same order of size.
        try described.add("w", rows((0..<90).map { $0 % 3 == 0 ? 2 : 1 }, seed: 2))
        let second = try project.findKinds()
        #expect(second.numbers == [1, 2, 3] && second.new == [3] && second.model == "kinds")
        let replaced = try project.catalog.collection.model(named: "kinds")
        #expect(replaced.digest != record.digest)
        #expect(try project.catalog.collection.kindNames() == [2: "ribosome"])
        // The same particles give the same file.
        #expect(try project.findKinds().new == [])
        #expect(try project.catalog.collection.model(named: "kinds").digest == replaced.digest)

        let map = try #require(project.kindMap().figure.plot as? ScatterPlot)
        #expect(
            map.title == "210 particles, 3 kinds" && map.series.map(\.name) == ["kind 1 (80)", "2 ribosome (100)", "kind 3 (30)"])
        #expect(map.series.allSatisfy { $0.points.allSatisfy { $0.x.isFinite && $0.y.isFinite } })
        let odd = try #require(project.kindMap(where: "class = 'odd' AND tomogram = 't'").figure.plot as? ScatterPlot)
        #expect(odd.title.hasPrefix("30 particles"))
        #expect(throws: CatalogError.self) { try project.kindMap(where: "1 = 0") }

        try project.mergeKinds([1, 3])
        #expect(try project.catalog.collection.model(named: "kinds").digest != replaced.digest)
        #expect(try project.splitKind(1) == 4)
        var listed: [[String]] = []
        try project.query("SELECT number, name, objects FROM v_kind ORDER BY number") { listed.append($0.map(\.plainText)) }
        #expect(listed.map { $0[0] } == ["1", "2", "3", "4"] && listed[1][1] == "ribosome")
    }

    @Test("particles of a named kind are written with its name as their class, and only while numbers mean the picks of today")
    func exported() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let (project, judged) = (described.project, described.judged)
        let files = try OutputFiles(at: judged.folder.file("kind.csv"), knownTo: project.directory, areReplaced: false)
        let output = { (name: String) in try files.file(judged.folder.file(name)) }
        try described.add("t", rows((0..<60).map { $0 % 2 }))
        _ = try project.findKinds()
        #expect(throws: CatalogError.self) { try project.exportPoints(of: "t", kind: "ribosome", to: output("none.csv")) }
        try project.catalog.collection.nameKind(2, "ribosome")
        let unknown = #expect(throws: CatalogError.self) {
            try project.exportPoints(of: "t", kind: "ribosome", to: output("none.csv"))
        }
        #expect(unknown?.message.contains("have no kinds") == true)
        var objects = try project.catalog.results.objects(ofTomogram: judged.tomogramID, step: "pick")
        for index in objects.indices { objects[index].kind = .init(number: 1 + index % 3 % 2, certainty: 0.8) }
        try judged.publish(
            "measure-picks", key: "t", inputs: [.init(name: "pick.particles", digest: judged.digest("picks t"), value: nil)],
            objects: objects)
        let export = try project.exportPoints(of: "t", kind: "ribosome", to: output("kind.csv"))
        #expect(export.contents.hasPrefix("20 points of pick, of the kind ribosome"))
        let written = try PointFile.read(judged.folder.file("kind.csv"))
        let places: [Double] = stride(from: 1, to: 60, by: 3).map { 100 + 200 * Double($0) }
        #expect(written.points.map(\.x) == places)
        #expect(written.points.allSatisfy { $0.className == "ribosome" })
        // Picked anew: the numbers are those of other particles.
        try described.pick("t", 50, key: "again")
        #expect(throws: CatalogError.self) { try project.exportPoints(of: "t", kind: "ribosome", to: output("again.csv")) }
    }

    @Test("particles of named kinds become particles of classes, once, and not where somebody said otherwise")
    func taught() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let (project, judged) = (described.project, described.judged)
        try described.add("u", rows((0..<9).map { $0 % 2 }))
        try described.add("v", rows((0..<9).map { $0 % 2 }, seed: 1))
        try described.add("w", rows((0..<9).map { $0 % 2 }, seed: 2))
        #expect(try project.findKinds().numbers == [1, 2])
        func refusal(_ names: [String]) -> String {
            #expect(throws: CatalogError.self) { try project.teachKinds(names) }?.message ?? ""
        }
        #expect(refusal([]).contains("no kind has a name"))
        try project.catalog.collection.nameKind(2, "ribosome")
        #expect(refusal(["proteasome"]).contains("no kind is named proteasome"))
        #expect(refusal([]).contains("`cellar kind find`"))
        let id = try #require(described.tomograms["u"])
        var objects = try project.catalog.results.objects(ofTomogram: id, step: "pick")
        for index in objects.indices {
            objects[index].kind = .init(number: 1 + index % 3 % 2, certainty: index == 7 ? 0.95 : 0.8)
        }
        func measure(_ key: String) throws {
            let model = try project.catalog.collection.model(named: "kinds").digest.hexadecimal
            try judged.publish(
                "measure-picks", key: key, inputs: [.init(name: "pick.particles", digest: judged.digest("picks u"), value: nil)],
                objects: objects, models: ["kinds": model], of: id)
        }
        try measure("u")
        // What was rejected as anything is no particle of a kind.
        try project.curate("u", .rejected, class: "odd", at: .voxels(SIMD3(30, 10, 10)))
        let sure = try project.teachKinds(["ribosome"], leastCertainty: 0.9)
        #expect(sure.verdicts["ribosome"]?.map(\.x) == [150] && sure.others == 2 && sure.radiiInAngstroms == ["ribosome": 50])
        let first = try project.teachKinds()
        #expect(first.verdicts.keys.sorted() == ["ribosome"] && first.verdicts["ribosome"]?.map(\.x) == [90])
        #expect(try project.teachKinds().count == 0 && project.teachKinds().radiiInAngstroms == ["ribosome": 50])
        // What a person rejects stays rejected; the name of a kind is a class that people can add to.
        try project.curate("u", .rejected, class: "ribosome", at: .voxels(SIMD3(90, 10, 10)))
        #expect(try project.teachKinds().count == 0)
        // Kinds that changed since are no longer those of the particles.
        try project.mergeKinds([2, 1])
        #expect(refusal([]).contains("`cellar run` gives each particle one"))
        try measure("u again")
        #expect(try project.teachKinds().count == 0)
        try project.catalog.collection.nameKind(1, "filament")
        try project.curate("v", .added, class: "filament", at: .voxels(SIMD3(30, 10, 10)))
        #expect(throws: CatalogError.self) { try project.curate("v", .added, class: "gold", at: .voxels(SIMD3(30, 10, 10))) }
        // Picked anew: the numbers are those of other particles.
        try described.pick("u", 9, key: "again")
        #expect(refusal([]).contains("`cellar kind find`"))
    }

    @Test("only particles for which a condition holds teach")
    func condition() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        try described.add("t", rows((0..<80).map { $0 % 2 }))
        let found = try described.project.findKinds(where: "class = 'odd'")
        #expect(found.numbers == [1] && found.particles == 40)
    }

    @Test("what cannot be done is said in a sentence")
    func refusals() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let project = described.project
        let none = #expect(throws: CatalogError.self) { try project.findKinds() }
        #expect(none?.message.contains("`cellar run --until descriptors`") == true)
        #expect(throws: CatalogError.self) { try project.mergeKinds([1, 2]) }
        let unknown = #expect(throws: CatalogError.self) { try project.kindMap() }
        #expect(unknown?.message.contains("`cellar kind find`") == true)
        #expect(throws: CatalogError.self) { try project.splitKind(1) }
        #expect(throws: CatalogError.self) { try project.catalog.collection.nameKind(1, "ribosome") }
        try described.add("t", rows([0, 1, 0]))
        #expect(throws: (any Error).self) { try project.findKinds() }
        try described.add("t2", rows((0..<60).map { $0 % 2 }))
        #expect(try project.findKinds().numbers == [1, 2])
        #expect(throws: CatalogError.self) { try project.mergeKinds([1]) }
        #expect(throws: CatalogError.self) { try project.mergeKinds([1, 9]) }
        #expect(throws: CatalogError.self) { try project.splitKind(9) }
        #expect(throws: CatalogError.self) { try project.catalog.collection.nameKind(1, "a b") }
        #expect(throws: CatalogError.self) { try project.findKinds(where: "colour = 'red'") }
        // A file that somebody damaged.
        let record = try project.catalog.collection.model(named: "kinds")
        try Data("{}".utf8).write(to: URL(fileURLWithPath: record.path))
        let damaged = #expect(throws: (any Error).self) { try project.splitKind(1) }
        #expect("\(damaged.map { "\($0)" } ?? "")".contains("holds no kinds"))
    }
}
