import Basics
import CellarKit
import Testing

@Suite("Curation of particles") struct CurationTests {
    private typealias Pick = JudgedProject.Pick

    /// Three ribosomes, 20 voxels apart, of falling confidence.
    private func three() throws -> JudgedProject {
        let made = try JudgedProject()
        try made.find([
            Pick(place: SIMD3(20, 50, 30), confidence: 0.95), Pick(place: SIMD3(40, 50, 30), confidence: 0.7),
            Pick(place: SIMD3(60, 50, 30), confidence: 0.3),
        ])
        return made
    }

    @Test("what is rejected is the nearest pick, by its own place and confidence, and is not exported")
    func rejection() throws {
        let made = try three()
        let record = try made.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(42, 51, 30)), by: "Ada")
        #expect(record.positionInVoxels == SIMD3(40, 50, 30) && record.score == 0.7 && record.author == "Ada")
        let written = try made.exported()
        #expect(written.points.map(\.x) == [200, 600])
        #expect(written.contents == "2 points of pick, 1 rejected left out")
        // As it was found.
        let all = try made.exported(isCurated: false)
        #expect(all.points.map(\.x) == [200, 400, 600] && all.contents == "3 points of pick")
        let particles = try made.project.particles(of: "d/t")
        #expect(particles.map(\.number) == [1, 2, 3] && particles.map(\.isParticle) == [true, false, true])
        #expect(particles[1].verdict?.id == record.id)
        // Undo.
        try made.project.removeCuration([#require(record.id)])
        #expect(try made.exported().points.count == 3)
    }

    @Test("what is added is exported with the radius of its class, and what is accepted whatever its confidence")
    func additions() throws {
        let made = try three()
        // In Å by the voxel size of today.
        try made.project.curate("t", .added, class: "ribosome", at: .angstroms(SIMD3(900, 500, 300)))
        try made.project.curate("id:\(made.tomogramID)", .accepted, class: "ribosome", at: .voxels(SIMD3(60, 50, 30)))
        let all = try made.exported()
        #expect(all.points.map(\.x) == [200, 400, 600, 900])
        #expect(all.points.map(\.score) == [0.95, 0.7, 0.3, 1] && all.points.allSatisfy { $0.radiusInAngstroms == 50 })
        #expect(all.contents == "4 points of pick, 1 added")
        #expect(try made.exported(leastConfidence: 0.8).points.map(\.x) == [200, 600, 900])
        #expect(try made.exported(leastConfidence: 0.8, isCurated: false).points.map(\.x) == [200])
        // An added one can be rejected, too, and a pick that was misplaced be moved.
        try made.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(90, 51, 30)))
        try made.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(40, 50, 30)))
        try made.project.curate("t", .added, class: "ribosome", at: .voxels(SIMD3(43, 50, 30)))
        #expect(try made.exported().points.map(\.x) == [200, 430, 600])
    }

    @Test("verdicts find their particles again when these are found anew, and move with a voxel size that is mended")
    func anew() throws {
        let made = try three()
        try made.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(40, 50, 30)))
        try made.project.curate("t", .added, class: "ribosome", at: .voxels(SIMD3(90, 50, 30)))
        try made.project.curate("t", .accepted, class: "ribosome", at: .voxels(SIMD3(20, 50, 30)))
        // Elsewhere by a voxel or two, in another order, with the added one, and without the accepted one.
        let later = [
            Pick(place: SIMD3(91, 51, 30)), Pick(place: SIMD3(61, 50, 30)), Pick(place: SIMD3(41, 50, 31)),
            Pick(place: SIMD3(120, 50, 30)),
        ]
        try made.find(later, key: "later")
        let found = try made.exported()
        #expect(found.points.map(\.x) == [200, 610, 910, 1200])
        #expect(found.contents == "4 points of pick, 1 rejected left out, 1 added")
        // Voxels are 12 Å wide: the same places.
        try made.say(voxelSize: 12)
        #expect(try made.exported().points.map(\.x) == [200, 610, 910, 1200], "results of 10 Å stand")
        try made.find(later, key: "mended", voxelSize: 12)
        #expect(try made.exported().points.map(\.x) == [240, 732, 1092, 1440])
    }

    @Test("all above a score are accepted but for those that were judged, and the last verdict counts")
    func bulk() throws {
        let made = try three()
        try made.project.curate("t", .rejected, class: "ribosome", at: .voxels(SIMD3(20, 50, 30)))
        let accepted = try made.project.acceptAll("t", class: "ribosome", above: 0.5, by: "Ada")
        #expect(accepted.map(\.positionInVoxels) == [SIMD3(40, 50, 30)] && accepted.map(\.score) == [0.7])
        #expect(try made.project.acceptAll("t", class: "ribosome", above: 0.5).isEmpty)
        #expect(try made.exported(leastConfidence: 0.99).points.map(\.x) == [400])
        try made.project.curate("t", .accepted, class: "ribosome", at: .voxels(SIMD3(20, 50, 30)))
        #expect(try made.exported().points.count == 3)
        #expect(
            try made.project.catalog.collection.curation(ofTomogram: made.tomogramID).map(\.verdict) == [.accepted, .accepted])
        try made.project.removeCuration(accepted.compactMap(\.id))
        #expect(try made.exported(leastConfidence: 0.99).points.map(\.x) == [200])
    }

    @Test("after any verdicts the export is what the last one on each particle says")
    func laws() throws {
        for seed in UInt64(0)..<4 {
            var random = RandomStream(seed: seed)
            let made = try JudgedProject()
            // A grid of places three radii apart: no verdict can mean another particle.
            let places = (0..<24).map { index -> SIMD3<Double> in
                let (column, row) = (Double(index % 6), Double(index / 6))
                return SIMD3(10 + 15 * column, 20 + 15 * row, 30)
            }
            var isThere = places.map { _ in random.unit() < 0.6 }
            try made.find(places.indices.filter { isThere[$0] }.map { Pick(place: places[$0]) })
            // What is added stays where the person says.
            var expected = Set(places.indices.filter { isThere[$0] })
            for _ in 0..<30 {
                let index = random.index(below: places.count)
                func jitter() -> Double { 2 * random.unit() - 1 }
                let place = CurationPlace.voxels(places[index] + SIMD3(jitter(), jitter(), jitter()))
                if !isThere[index] {
                    try made.project.curate("t", .added, class: "ribosome", at: place)
                    isThere[index] = true
                    expected.insert(index)
                } else if random.unit() < 0.5 {
                    try made.project.curate("t", .rejected, class: "ribosome", at: place)
                    expected.remove(index)
                } else {
                    try made.project.curate("t", .accepted, class: "ribosome", at: place)
                    expected.insert(index)
                }
            }
            let written = Set(
                try made.exported().points.compactMap { point in
                    places.firstIndex { place in
                        let offset = place - SIMD3(point.x, point.y, point.z) / 10
                        return (offset * offset).sum() <= 3
                    }
                })
            #expect(written == expected, "seed \(seed)")
            #expect(try made.exported().points.count == expected.count)
        }
    }

    @Test("what cannot be meant is refused with a sentence, and nothing is written")
    func refusals() throws {
        let made = try three()
        let place = CurationPlace.voxels(SIMD3(20, 50, 30))
        func refused(
            _ code: CatalogErrorCode, _ words: String, _ name: String = "t", _ verdict: CurationRecord.Verdict = .rejected,
            class className: String = "ribosome", at place: CurationPlace
        ) {
            let error = #expect(throws: CatalogError.self) {
                try made.project.curate(name, verdict, class: className, at: place)
            }
            #expect(error?.code == code && error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
        }
        refused(.notFound, "there is no tomogram", "other", at: place)
        refused(.notFound, "there is no tomogram", "id:99", at: place)
        refused(.notFound, "there is no class ribosme of particles, but macromolecule, ribosome", class: "ribosme", at: place)
        refused(.notFound, "there is no class", "t", .added, class: "ribosme", at: place)
        refused(.invalid, "cannot be a class", "t", .added, class: "", at: place)
        for verdict in CurationRecord.Verdict.allCases {
            refused(.invalid, "lies outside of t", "t", verdict, at: .voxels(SIMD3(20, 50, 60)))
            refused(.invalid, "lies outside of t", "t", verdict, at: .angstroms(SIMD3(-6, 0, 0)))
            refused(.invalid, "which is nowhere", "t", verdict, at: .voxels(SIMD3(.nan, 50, 30)))
            refused(.invalid, "which is nowhere", "t", verdict, at: .angstroms(SIMD3(20, .infinity, 30)))
        }
        refused(.notFound, "within 50.0 Å of (28.0, 50.0, 30.0)", at: .voxels(SIMD3(28, 50, 30)))
        refused(.notFound, "was found, or added", "t", .accepted, class: "macromolecule", at: place)
        for score in [Double.nan, .infinity] {
            #expect(throws: CatalogError.self) { try made.project.acceptAll("t", class: "ribosome", above: score) }
        }
        #expect(throws: CatalogError.self) { try made.project.acceptAll("t", class: "ribosme", above: 0.5) }
        #expect(throws: CatalogError.self) { try made.project.acceptAll("other", class: "ribosome", above: 0.5) }
        #expect(throws: CatalogError.self) { try made.project.removeCuration([1]) }
        #expect(try made.project.catalog.collection.curation(ofTomogram: made.tomogramID).isEmpty)
    }

    @Test("without a result only what was added is there, and without a voxel size nothing can be judged")
    func nothing() throws {
        let made = try JudgedProject()
        #expect(try made.project.particles(of: "t").isEmpty)
        try made.project.curate("t", .added, class: "macromolecule", at: .voxels(SIMD3(1, 2, 3)))
        let particles = try made.project.particles(of: "t")
        #expect(particles.map(\.centreInAngstroms) == [SIMD3(10, 20, 30)] && particles.map(\.number) == [nil])
        #expect(particles.map(\.radiusInAngstroms) == [nil])
        let error = #expect(throws: CatalogError.self) {
            try made.project.acceptAll("t", class: "macromolecule", above: 0.5)
        }
        #expect(error?.message.contains("has no result for t at hand") == true)
        let unknown = try JudgedProject(voxelSize: nil)
        let refusal = #expect(throws: CatalogError.self) {
            try unknown.project.curate("t", .added, class: "macromolecule", at: .voxels(SIMD3(1, 2, 3)))
        }
        #expect(refusal?.message.contains("has no voxel size") == true)
    }
}
