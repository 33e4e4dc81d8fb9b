import Basics
import CatalogSchema
import Foundation
import TestSupport
import Testing
import Volumes

@testable import Catalog

@Suite("What people say of particles") struct CurationTests {
    private let made: TemporaryCatalog
    private let tomogram: Int64

    init() throws {
        made = try TemporaryCatalog()
        tomogram = try made.add("a", header: 10).id
    }

    private func new(
        _ verdict: CurationRecord.Verdict, x: Double, class name: String = "ribosome", score: Double? = nil
    ) -> NewCuration {
        NewCuration(className: name, positionInVoxels: SIMD3(x, 10, 50), verdict: verdict, score: score)
    }

    private func reach(_ radius: Double = 50) throws -> Catalog.CurationReach {
        .init(voxelSize: try #require(VoxelSize(cubicInAngstroms: 10)), radiusInAngstroms: radius)
    }

    @discardableResult
    private func judge(
        _ verdict: CurationRecord.Verdict, x: Double, class name: String = "ribosome", by author: String = "me"
    ) throws -> Int64 {
        let records = try made.catalog.collection.curate(
            tomogramID: tomogram, [new(verdict, x: x, class: name)], by: author, reach: reach())
        return try #require(records.first?.id)
    }

    /// The verdicts that count.
    private func standing() throws -> [Int64] { try made.catalog.collection.curation(ofTomogram: tomogram).compactMap(\.id) }

    @Test("is shown with who said it, and when, in voxels")
    func view() throws {
        let record = try #require(
            try made.catalog.collection.curate(
                tomogramID: tomogram, [new(.rejected, x: 3.5, score: 0.75)], by: "Ada", reach: reach()
            ).first)
        #expect(record.positionInVoxels == SIMD3(3.5, 10, 50) && record.replacedBy == nil)
        #expect(Timestamp.date(record.curatedAt) != nil)
        #expect(
            try made.query(
                "SELECT id, dataset, tomogram, class, x, y, z, verdict, score, author, counts, replaced_by FROM v_curation")
                == [
                    [
                        .integer(1), .text("d"), .text("a"), .text("ribosome"), .real(3.5), .real(10), .real(50),
                        .text("rejected"), .real(0.75), .text("Ada"), .integer(1), .null,
                    ]
                ])
        #expect(try made.catalog.collection.curation(ofTomogram: tomogram, class: "other").isEmpty)
        #expect(try made.catalog.collection.particleClasses() == ["ribosome"])
    }

    @Test("of several on one particle the last one counts, and what it replaced counts again when it is removed")
    func last() throws {
        let first = try judge(.rejected, x: 10)
        let second = try judge(.accepted, x: 12)
        #expect(try standing() == [second])
        // Another class, and another place.
        let other = try judge(.rejected, x: 12, class: "proteasome")
        let far = try judge(.rejected, x: 20)
        #expect(try standing() == [second, other, far])
        let third = try judge(.rejected, x: 11)
        #expect(try standing() == [other, far, third])
        #expect(
            try made.query("SELECT id, replaced_by FROM v_curation WHERE NOT counts ORDER BY id") == [
                [.integer(first), .integer(second)], [.integer(second), .integer(third)],
            ])
        // One in the middle: what it replaced was replaced by the last one then.
        try made.catalog.collection.removeCuration(ids: [second])
        #expect(try standing() == [other, far, third])
        try made.catalog.collection.removeCuration(ids: [third])
        #expect(try standing() == [first, other, far])
        // Ids are not used again.
        #expect(try judge(.accepted, x: 25) == third + 1)
    }

    @Test("is about the nearest particle within the radius, by the lengths of voxels along each axis")
    func nearest() throws {
        let (left, right) = (try judge(.rejected, x: 10), try judge(.rejected, x: 16))
        let new = try judge(.accepted, x: 12)
        #expect(try standing() == [right, new])
        #expect(try made.value("SELECT replaced_by FROM curation WHERE id = \(left)") == new)
        // Where voxels are flat, two voxels are farther along x than three along z.
        let flat = Catalog.CurationReach(
            voxelSize: try #require(VoxelSize(xInAngstroms: 30, yInAngstroms: 10, zInAngstroms: 10)), radiusInAngstroms: 50)
        func record(_ id: Int64, _ place: SIMD3<Double>, _ verdict: CurationRecord.Verdict = .rejected) -> CurationRecord {
            CurationRecord(
                id: id, tomogramId: 1, class: "ribosome", positionInVoxels: place, verdict: verdict, score: nil, author: "me",
                curatedAt: "")
        }
        let judged = NewCuration(className: "ribosome", positionInVoxels: SIMD3(5, 5, 5), verdict: .accepted)
        #expect(flat.replaced(by: judged, among: [record(1, [7, 5, 5]), record(2, [5, 5, 8])])?.id == 2)
        #expect(flat.replaced(by: judged, among: [record(1, [7, 5, 5])]) == nil)
        #expect(flat.replaced(by: judged, among: [record(1, [5, 5, 8]), record(2, [5, 5, 2])])?.id == 2, "the later one")
    }

    @Test("one that adds a particle leaves a rejection beside it, and takes back one of the same place")
    func added() throws {
        let misplaced = try judge(.rejected, x: 10)
        let right = try judge(.added, x: 13)
        #expect(try standing() == [misplaced, right])
        // The same particle again, a voxel beside.
        let again = try judge(.added, x: 14)
        #expect(try standing() == [misplaced, again])
        // At the place of the rejection that one is the nearer.
        let back = try judge(.added, x: 10)
        #expect(try standing() == [again, back])
        let other = try judge(.rejected, x: 25)
        let taken = try judge(.added, x: 25.5)
        #expect(try !standing().contains(other))
        #expect(try standing().contains(taken))
    }

    @Test("goes with its tomogram")
    func removal() throws {
        try judge(.rejected, x: 10)
        try judge(.accepted, x: 10)
        try made.catalog.collection.remove(.tomograms, ids: [tomogram])
        #expect(try made.value("SELECT count(*) FROM curation") == 0)
        #expect(try made.catalog.integrityProblems().isEmpty)
    }

    @Test("together it is known by positions, classes and verdicts, and by nothing else")
    func digests() throws {
        func sum(_ records: [CurationRecord]) throws -> Digest { try #require(Catalog.CuratedParticles(records)).digest }
        func record(
            x: Double = 1, class name: String = "ribosome", _ verdict: CurationRecord.Verdict = .accepted, score: Double? = nil,
            author: String = "me", id: Int64 = 1
        ) -> CurationRecord {
            CurationRecord(
                id: id, tomogramId: 1, class: name, positionInVoxels: SIMD3(x, 2, 3), verdict: verdict, score: score,
                author: author, curatedAt: "2026-01-0\(id)")
        }
        #expect(Catalog.CuratedParticles([]) == nil)
        let base = try sum([record(), record(x: 2, .rejected, id: 2)])
        #expect(try sum([record(x: 2, .rejected, score: 0.5, author: "you", id: 1), record(id: 2)]) == base)
        let others = try [
            [record()], [record(), record(x: 2, .added, id: 2)], [record(), record(x: 2.5, .rejected, id: 2)],
            [record(), record(x: 2, class: "proteasome", .rejected, id: 2)],
            [record(), record(x: 2, .rejected, id: 2), record(x: 3, id: 3)],
        ].map(sum)
        #expect(Set(others + [base]).count == others.count + 1)
        let all = try #require(
            Catalog.CuratedParticles([
                record(), record(x: 2, .rejected, id: 2), record(x: 3, .rejected, id: 3), record(x: 4, .added, id: 4),
            ]))
        #expect(all.text == "1 added, 1 accepted, 2 rejected")
    }

    @Test("is refused outside of the tomogram, nowhere, without a name, and of no tomogram; and nothing of it is kept")
    func refusals() throws {
        var bad: [NewCuration] = []
        for place in [
            SIMD3(.nan, 1, 1), SIMD3(1, .infinity, 1), SIMD3(1, 1, -.infinity), SIMD3(-0.6, 1, 1), SIMD3(29.6, 1, 1),
            SIMD3(1, 19.6, 1), SIMD3(1, 1, 99.6), SIMD3(1, 1, 1e300),
        ] as [SIMD3<Double>] {
            bad.append(NewCuration(className: "ribosome", positionInVoxels: place, verdict: .added))
        }
        for name in ["", "two\nlines", "a\tb"] { bad.append(new(.added, x: 1, class: name)) }
        bad.append(new(.rejected, x: 1, score: .nan))
        for item in bad {
            let error = #expect(throws: CatalogError.self) {
                // What is right beside it is not kept, either.
                try made.catalog.collection.curate(tomogramID: tomogram, [new(.added, x: 2), item], by: "me")
            }
            #expect(error?.code == .invalid)
        }
        for author in ["", "two\nlines"] {
            #expect(throws: CatalogError.self) {
                try made.catalog.collection.curate(tomogramID: tomogram, [new(.added, x: 2)], by: author)
            }
        }
        let absent = #expect(throws: CatalogError.self) {
            try made.catalog.collection.curate(tomogramID: 77, [new(.added, x: 2)], by: "me")
        }
        #expect(absent?.code == .notFound)
        #expect(try made.value("SELECT count(*) FROM curation") == 0)
        let id = try judge(.added, x: 2)
        let unknown = #expect(throws: CatalogError.self) { try made.catalog.collection.removeCuration(ids: [id, 99]) }
        #expect(unknown?.code == .notFound)
        #expect(try standing() == [id])
        // The outermost halves of voxels belong to the tomogram.
        #expect(
            try made.catalog.collection.curate(tomogramID: tomogram, [new(.added, x: -0.5), new(.added, x: 29.5)], by: "me").count
                == 2)
    }
}
