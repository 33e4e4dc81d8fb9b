import CellarKit
import Foundation
import TestSupport
import Testing

@Suite("Particles that are like one") struct SimilarTests {
    @Test("the nearest of all tomograms come first, without the particle itself")
    func nearest() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        try described.add("t", [[0, 0], [5, 0], [0, 1]])
        try described.add("u", [[0, 0.5], [9, 9], [0, 0]])
        try described.add("v", [[0, 0, 0]], parts: "shells,form")
        let project = described.project
        let query = try #require(ParticleReference("t#1"))
        let all = try project.similar(to: query, count: 10)
        #expect(described.names(all) == ["u#3", "u#1", "t#3", "t#2", "u#2"])
        #expect(all.hits.map(\.distance).prefix(4) == [0, 0.5, 1, 5] && all.compared == 6 && all.others == 1)
        #expect(all.query.number == 1 && all.query.distance == 0)
        #expect(try described.names(project.similar(to: query, count: 2)) == ["u#3", "u#1"])
        // Conditions choose who is compared, and not who is shown.
        let odd = try project.similar(to: query, count: 2, where: "class = 'odd'")
        #expect(described.names(odd) == ["t#2", "u#2"] && odd.compared == 2)
        #expect(
            try described.names(project.similar(to: query, count: 2, where: "tomogram = 't' -- only here")) == ["t#3", "t#2"])
        #expect(try project.similar(to: query, count: 2, where: "1 = 0").hits.isEmpty)
        // By a place in it; a statement shows the rows, the particle itself first.
        let place = try project.similar(to: #require(ParticleReference("d/u@530, 100,95")), count: 1)
        #expect(place.query.number == 3 && described.names(place) == ["t#1"])
        var rows: [[String]] = []
        try project.query(place.sql) { row in rows.append(row.map(\.plainText)) }
        #expect(rows.map { Array($0[0...5]) } == [["0", "0.0", "", "d", "u", "3"], ["1", "0.0", "", "d", "t", "1"]])
    }

    @Test("a distance says how many pairs of the particle's kind are at least as far apart")
    func alikeness() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let (project, judged) = (described.project, described.judged)
        try described.add("u", (0..<9).map { [Float($0), 0] })
        let query = try #require(ParticleReference("u#1"))
        #expect(try project.similar(to: query, count: 3).hits.allSatisfy { $0.alikeness == nil })
        let id = try #require(described.tomograms["u"])
        func publish(_ kind: (Int) -> Int) throws {
            var objects = try project.catalog.results.objects(ofTomogram: id, step: "pick")
            for index in objects.indices { objects[index].kind = .init(number: kind(index), certainty: 1) }
            try judged.publish(
                "measure-picks", key: "u \(kind(0)) \(kind(8))",
                inputs: [.init(name: "pick.particles", digest: judged.digest("picks u"), value: nil)], objects: objects, of: id)
        }
        // Of eight places in a row, 28 pairs: 7 are 1 apart, 22 at least 2, one 7.
        try publish { $0 < 8 ? 1 : 0 }
        let alike = try project.similar(to: query, count: 8).hits.map { $0.alikeness ?? -1 }
        #expect(alike.count == 8 && alike[0] == 1 && alike[6] <= 0.01 && alike[7] == 0)
        #expect(zip(alike, alike.dropFirst()).allSatisfy { $0 >= $1 } && abs(alike[1] - 0.75) < 0.02, "\(alike)")
        // A tomogram whose particles have a kind, and could not be described as the others since.
        try described.add("none", [])
        let none = try #require(described.tomograms["none"])
        var stranger = try project.catalog.results.objects(ofTomogram: id, step: "pick")[0]
        stranger.kind = .init(number: 1, certainty: 1)
        try judged.publish(
            "measure-picks", key: "none",
            inputs: [.init(name: "pick.particles", digest: judged.digest("picks none"), value: nil)],
            objects: [stranger], of: none)
        #expect(try project.similar(to: query, count: 8).hits.map { $0.alikeness ?? -1 } == alike)
        // What is unlike all others has no kind whose pairs could be compared, and few pairs say nothing.
        try publish { $0 == 0 ? 0 : 1 }
        #expect(try project.similar(to: query, count: 3).hits.allSatisfy { $0.alikeness == nil })
        try publish { $0 < 3 ? 2 : 1 }
        #expect(try project.similar(to: query, count: 3).hits.allSatisfy { $0.alikeness == nil })
    }

    @Test("the index says what artifacts say, whatever becomes of it")
    func index() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let project = described.project
        let path = project.directory.descriptorIndex
        let query = try #require(ParticleReference("t#1"))
        func add(_ number: Int, shift: Float = 0) throws {
            try described.add("n\(number)", [[Float(number) + shift, 0], [0, Float(number) + 0.5]])
        }
        func answer() throws -> [String] { try described.names(project.similar(to: query, count: 40)) }
        try described.add("t", [[0, 0]])
        for number in 1...14 { try add(number) }
        _ = try answer()
        #expect(!FileManager.default.fileExists(atPath: path), "few are not worth a file")
        for number in 15...20 { try add(number) }
        try described.add("other", [[0, 0, 0]], parts: "shells,form")
        try described.add("none", [])
        let expected = (1...20).flatMap { ["n\($0)#1", "n\($0)#2"] }
        #expect(try answer() == expected)
        let written = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(try answer() == expected && project.similar(to: query, count: 40).others == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == written)
        #expect(try described.names(project.similar(to: query, count: 2, where: "class = 'odd'")) == ["n1#2", "n2#2"])
        // One that changed is read from its artifact; many, and the file is written anew.
        try add(1, shift: 0.75)
        #expect(try answer().prefix(3) == ["n1#2", "n1#1", "n2#1"] && Data(contentsOf: URL(fileURLWithPath: path)) == written)
        for number in 2...5 { try add(number, shift: 0.75) }
        let later = try answer()
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) != written && later != expected)
        let current = try Data(contentsOf: URL(fileURLWithPath: path))
        // What is damaged is not believed, and made anew.
        var flipped = current
        flipped[9] ^= 0x40
        try flipped.write(to: URL(fileURLWithPath: path))
        #expect(try answer() == later && !FileManager.default.fileExists(atPath: path), "a number that changed is seen")
        _ = try answer()
        #expect(FileManager.default.fileExists(atPath: path))
        for damage in [
            Data(), current.prefix(100), current.dropLast(), Data(repeating: 7, count: 500), current.dropFirst(2), written,
        ] {
            try damage.write(to: URL(fileURLWithPath: path))
            #expect(try answer() == later)
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(try answer() == later, "a place that cannot be written changes nothing")
        let names = try FileManager.default.contentsOfDirectory(atPath: project.directory.path)
        #expect(!names.contains { $0.hasSuffix(".tmp") })
    }

    @Test("descriptors of earlier picks are of other particles: they are not compared")
    func stale() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        try described.add("t", [[0, 0], [5, 0]])
        try described.add("o'u", [[0, 0.5], [9, 9]])
        let project = described.project
        let query = try #require(ParticleReference("t#1"))
        #expect(try described.names(project.similar(to: query, count: 5)) == ["o'u#1", "t#2", "o'u#2"])
        try described.pick("o'u", 2, key: "again")
        let fewer = try project.similar(to: query, count: 5)
        #expect(described.names(fewer) == ["t#2"] && fewer.others == 1)
        try described.pick("t", 2, key: "again")
        let error = #expect(throws: CatalogError.self) { try project.similar(to: query, count: 5) }
        #expect(error?.message.contains("not described as they are now; `cellar run --until descriptors`") == true)
    }

    @Test("what cannot be answered is said in a sentence")
    func refusals() throws {
        let described = try Described()
        defer { withExtendedLifetime(described) {} }
        let project = described.project
        func message(_ text: String, where condition: String? = nil) throws -> String {
            let reference = try #require(ParticleReference(text))
            let error = #expect(throws: CatalogError.self) { try project.similar(to: reference, count: 5, where: condition) }
            return error?.message ?? ""
        }
        #expect(try message("t#1").contains("`cellar run --until descriptors`"))
        try described.add("t", [[0, 0], [5, 0]])
        #expect(try message("t#3").contains("give a number from 1 to 2"))
        for number in [0, -1] {
            #expect(throws: CatalogError.self) { try project.similar(to: .number(tomogram: "t", number), count: 5) }
        }
        #expect(try project.similar(to: .number(tomogram: "t", 1), count: -1).hits.count == 1)
        #expect(try message("nobody#1").contains("nobody"))
        #expect(try message("t@100,500,100").contains("no particle of t holds the place"))
        #expect(try message("t#1", where: "colour = 'red'").contains("colour"))
        for text in ["t", "t#", "t#0", "t#-1", "#1", "@1,2,3", "t@1,2", "t@1,2,x", "t@1,,3", "t@1,2,3,4", "t@nan,1,1", ""] {
            #expect(ParticleReference(text) == nil, "\(text)")
        }
        #expect(ParticleReference("a@b#2") == .number(tomogram: "a@b", 2))
        #expect(ParticleReference("a#b@1,2,3") == .place(tomogram: "a#b", SIMD3(1, 2, 3)))
    }
}
