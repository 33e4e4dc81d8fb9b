import Basics
import Catalog
import CatalogSchema
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@Suite("A collection") struct CollectionTests {
    @Test("tells whether a tomogram was added, updated, moved, or is as it was")
    func outcomes() throws {
        let made = try TemporaryCatalog()
        let first = try made.add("a", header: 10)
        #expect(first.outcome == .added)
        func again(_ expected: NewTomogram.Outcome, _ result: (id: Int64, outcome: NewTomogram.Outcome)) {
            #expect(result == (first.id, expected))
        }
        again(.unchanged, try made.add("a", header: 10))
        again(.updated, try made.add("a", header: 11))
        again(.updated, try made.add("a", header: 11, user: 12))
        // Saying nothing takes nothing back.
        again(.unchanged, try made.add("a", header: 11))
        again(.updated, try made.add("a", header: 11, metadata: ["grid": "A3"]))
        again(.unchanged, try made.add("a", header: 11, metadata: ["grid": "A3"]))
        again(.updated, try made.add("a", header: 11, metadata: ["grid": "A4"]))
        again(.updated, try made.add("a"))
        again(.updated, try made.add("renamed", file: "a.mrc"))
        // Its file is not there (it never was): it moved.
        again(.relocated, try made.add("renamed", file: "moved.mrc"))
        #expect(try made.value("SELECT count(*) FROM tomogram") == 1)
        #expect(try made.value("SELECT voxel_size FROM v_tomogram") == 12.0)
        #expect(try made.value("SELECT meta ->> 'grid' FROM v_tomogram") == "A4")
        #expect(try made.add("renamed", dataset: "other", file: "moved.mrc").outcome == .added)
    }

    @Test("keeps a name from two files, and a file from two names")
    func conflicts() throws {
        let made = try TemporaryCatalog()
        try made.temporary.write("a.mrc", [1])
        try made.add("a")
        let taken = #expect(throws: CatalogError.self) { try made.add("a", file: "b.mrc") }
        #expect(taken?.code == .alreadyExists)
        #expect(taken?.message.contains("--name") == true)
        try made.add("b")
        let other = #expect(throws: CatalogError.self) { try made.add("b", file: "a.mrc") }
        #expect(other?.code == .alreadyExists)
        #expect(try made.value("SELECT group_concat(name) FROM tomogram") == "a,b")
    }

    @Test("adds all tomograms of a call, or none")
    func atomicity() throws {
        let made = try TemporaryCatalog()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        let tomograms = ["x", "y", "x"].enumerated().map { index, name in
            NewTomogram(
                name: name, location: VolumeLocation(path: made.temporary.path, member: "\(index)"), format: "hdf5",
                scalarType: .int8, shape: shape)
        }
        #expect(throws: CatalogError.self) { try made.catalog.collection.add(tomograms, dataset: "d") }
        #expect(try made.value("SELECT count(*) FROM tomogram") == 0)
        #expect(try made.value("SELECT count(*) FROM dataset") == 0)
    }

    @Test("refuses names and voxel sizes that cannot be", arguments: ["", "a/b", "/"])
    func badNames(name: String) throws {
        let made = try TemporaryCatalog()
        #expect(throws: CatalogError.self) { try made.add(name) }
        #expect(throws: CatalogError.self) { try made.add("fine", dataset: name) }
        for size in [0, -1, .nan, .infinity] {
            let error = #expect(throws: CatalogError.self) { try made.add("fine", defaultSize: size) }
            #expect(error?.code == .invalid)
        }
        #expect(try made.value("SELECT count(*) FROM tomogram") == 0)
    }

    @Test("knows a tomogram by a name that is one dataset's alone, by dataset and name, and by id:N")
    func naming() throws {
        let made = try TemporaryCatalog()
        let a = try made.add("a", dataset: "first").id
        let b = try made.add("b", dataset: "first").id
        let other = try made.add("a", dataset: "second", file: "other.mrc").id
        #expect(try made.catalog.collection.tomogram(named: "id:\(a)").id == a)
        #expect(try made.catalog.collection.tomogram(named: "b").id == b)
        #expect(try made.catalog.collection.tomogram(named: "first/a").id == a)
        #expect(try made.catalog.collection.tomogram(named: "second/a").id == other)
        let ambiguous = #expect(throws: CatalogError.self) { try made.catalog.collection.tomogram(named: "a") }
        #expect(ambiguous?.code == .ambiguous)
        #expect(ambiguous?.message.contains("first/a (id:\(a)) or second/a (id:\(other))") == true, "\(ambiguous?.message ?? "")")
        for name in ["c", "third/a", "first/a/b", "", "/", "99", "-1", "id:99", "id:", "id:-1", "id:x"] {
            let absent = #expect(throws: CatalogError.self) { try made.catalog.collection.tomogram(named: name) }
            #expect(absent?.code == .notFound, "\(name)")
        }
    }

    @Test("takes a number for a name, and for no id, also where it is the id of another")
    func numbers() throws {
        let made = try TemporaryCatalog()
        let first = try made.add("first").id
        let second = try made.add("second").id
        // Nothing is called like this, and the sentence says what the number is the id of.
        let absent = #expect(throws: CatalogError.self) { try made.catalog.collection.tomogram(named: "\(second)") }
        #expect(absent?.code == .notFound && absent?.message.contains("id:\(second) is d/second") == true)
        let named = try made.add("\(second)").id
        #expect(try made.catalog.collection.tomogram(named: "\(second)").id == named)
        #expect(try made.catalog.collection.tomogram(named: "d/\(second)").id == named)
        #expect(try made.catalog.collection.tomogram(named: "id:\(second)").id == second)
        #expect(try made.catalog.collection.tomogram(named: "id:\(named)").id == named)
        // One that has its own id as its name, and one whose name is nobody's id.
        let own = try made.add("4").id
        #expect(own == 4)
        #expect(try made.catalog.collection.tomogram(named: "4").id == own)
        let high = try made.add("20230815").id
        #expect(try made.catalog.collection.tomogram(named: "20230815").id == high)
        #expect(try made.catalog.collection.tomogram(named: "first").id == first)
    }

    @Test("knows training sets and models by the same rules")
    func namesOfAllKinds() throws {
        let made = try TemporaryCatalog()
        let slab = try #require(try made.catalog.collection.addSlab(tomogramID: made.add("a").id, z: 0..<2).id)
        let first = try #require(try made.catalog.collection.addTrainingSet(named: "one", slabs: [slab]).id)
        let second = try #require(try made.catalog.collection.addTrainingSet(named: "\(first)", slabs: [slab]).id)
        let digest = Digest(of: "weights".utf8)
        try made.catalog.collection.setModel(name: "sd", kind: "diffusion", path: "/w", digest: digest)
        let model = try #require(try made.catalog.collection.models()["sd"]?.id)
        try made.catalog.collection.setModel(name: "\(model)", kind: "diffusion", path: "/w", digest: digest)
        // Each name is the id of the other one.
        #expect(try made.catalog.collection.trainingSet(named: "\(first)").id == second)
        #expect(try made.catalog.collection.useTrainingSet(named: "\(first)").id == second)
        #expect(try made.catalog.collection.model(named: "\(model)").name == "\(model)")
        #expect(try made.catalog.collection.useTrainingSet(named: "id:\(second)").name == "\(first)")
        #expect(try made.catalog.collection.currentTrainingSet()?.id == second)
        #expect(try made.catalog.collection.trainingSet(named: "one").id == first)
        #expect(try made.catalog.collection.model(named: "id:\(model)").name == "sd")
        #expect(try made.catalog.collection.removeTrainingSet(named: "id:\(second)").id == second)
        for name in ["id:7", "digest:abcdef"] {
            #expect(throws: CatalogError.self) { try made.add(name) }
            #expect(throws: CatalogError.self) { try made.catalog.collection.addTrainingSet(named: name, slabs: [slab]) }
        }
    }

    @Test("adds the others where one is refused and that is wanted, and says of each what became of it")
    func keepingGoing() throws {
        let made = try TemporaryCatalog()
        try made.temporary.write("a.mrc", [1])
        try made.add("a")
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        let tomograms = ["x", "a", "", "y"].map { name in
            NewTomogram(
                name: name, location: VolumeLocation(path: made.temporary.file("other-\(name).mrc")), format: "mrc",
                scalarType: .int8, shape: shape)
        }
        func codes(_ keepingGoing: Bool, dataset: String = "d") throws -> [CatalogErrorCode?] {
            try made.catalog.collection.addEach(
                tomograms.map { (dataset, $0) }, mode: keepingGoing ? .keepingGoing : .allOrNone
            ).map { result in
                if case .failure(let error) = result { error.code } else { nil }
            }
        }
        #expect(try codes(false) == [nil, .alreadyExists, .invalid, nil])
        #expect(try made.value("SELECT group_concat(name) FROM tomogram") == "a")
        #expect(try codes(true) == [nil, .alreadyExists, .invalid, nil])
        #expect(try made.value("SELECT group_concat(name) FROM tomogram") == "a,x,y")
    }

    @Test("keeps slabs within their tomogram, each once, and a removed one's id for good")
    func slabs() throws {
        let made = try TemporaryCatalog()
        let id = try made.add("a").id
        for z in [0..<0, -1..<3, 0..<101, 100..<101, Int.min..<3, 5..<Int.max] {
            let error = #expect(throws: CatalogError.self) { try made.catalog.collection.addSlab(tomogramID: id, z: z) }
            #expect(error?.code == .invalid)
            #expect(error?.message.contains("0..<100") == true)
        }
        let slab = try made.catalog.collection.addSlab(tomogramID: id, z: 10..<20)
        #expect(try made.catalog.collection.addSlab(tomogramID: id, z: 10..<20) == slab)
        try made.catalog.collection.addSlab(tomogramID: id, z: 15..<25)
        #expect(try made.value("SELECT count(*) FROM v_scope WHERE scope = 'slice'") == 15)
        let last = try made.catalog.collection.addSlab(tomogramID: id, z: 0..<100)
        let lastID = try #require(last.id)
        #expect(throws: CatalogError.self) { try made.catalog.collection.remove(.slabs, ids: [lastID, 77]) }
        #expect(try made.value("SELECT count(*) FROM slab") == 3)
        try made.catalog.collection.remove(.slabs, ids: [lastID])
        #expect(try made.value("SELECT count(*) FROM v_scope WHERE scope = 'slice'") == 15)
        #expect(try made.catalog.collection.addSlab(tomogramID: id, z: 0..<1).id != lastID)
        let error = #expect(throws: CatalogError.self) { try made.catalog.collection.addSlab(tomogramID: 77, z: 0..<1) }
        #expect(error?.code == .notFound)
    }

    @Test("adds to several datasets at once, and finds out what adding would do without doing it")
    func severalDatasets() throws {
        let made = try TemporaryCatalog()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        let tomograms = ["d", "e", "d"].enumerated().map { index, dataset in
            (
                dataset: dataset,
                tomogram: NewTomogram(
                    name: "t\(index)", location: VolumeLocation(path: made.temporary.file("\(index).mrc")), format: "mrc",
                    scalarType: .int8, shape: shape)
            )
        }
        let trial = try made.catalog.collection.addEach(tomograms, mode: .trying)
        #expect(try trial.map { try $0.get().outcome } == [.added, .added, .added])
        #expect(try made.value("SELECT count(*) FROM tomogram") == 0)
        #expect(try made.value("SELECT count(*) FROM dataset") == 0)
        _ = try made.catalog.collection.addEach(tomograms, mode: .allOrNone)
        #expect(
            try made.value("SELECT group_concat(n, ' ') FROM (SELECT dataset || name AS n FROM v_tomogram ORDER BY id)")
                == "dt0 et1 dt2")
        let again = try made.catalog.collection.addEach(tomograms, mode: .trying)
        #expect(try again.map { try $0.get().outcome } == [.unchanged, .unchanged, .unchanged])
    }

    @Test("derives the voxel size from what user, header, metadata, folder and dataset say, in this order")
    func voxelSizeOfCollections() throws {
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        for flags in 0..<32 {
            let made = try TemporaryCatalog()
            let sizes = (0..<5).map { flags >> $0 & 1 == 1 ? Double($0) + 1.5 : nil }
            func size(_ index: Int) -> VoxelSize? { sizes[index].flatMap { VoxelSize(cubicInAngstroms: $0) } }
            let tomogram = NewTomogram(
                name: "t", location: VolumeLocation(path: made.temporary.file("t.mrc")), format: "mrc", scalarType: .int8,
                shape: shape, headerVoxelSize: size(1), userVoxelSize: size(0), metadataVoxelSize: size(2),
                folderVoxelSize: size(3))
            let id = try made.catalog.collection.add([tomogram], dataset: "d", defaultVoxelSizeInAngstroms: sizes[4])[0].id
            let first = sizes.firstIndex { $0 != nil }
            let expected = first.flatMap { sizes[$0] }
            #expect(try made.catalog.collection.effectiveVoxelSize(ofTomogram: id)?.xInAngstroms == expected)
            #expect(
                try made.value("SELECT voxel_size_source FROM v_tomogram", as: String.self)
                    == first.map { ["user", "header", "metadata", "folder", "dataset"][$0] })
            #expect(try made.value("SELECT metadata_voxel_size FROM v_tomogram") == sizes[2])
            #expect(try made.value("SELECT folder_voxel_size FROM v_tomogram") == sizes[3])
            // What planning reads is the same.
            let declared = try made.catalog.results.withPlanningSnapshot {
                try $0.tomograms(selection: nil)[0].declaredVoxelSize
            }
            #expect(
                [declared.user, declared.metadata, declared.folder].map { $0?.xInAngstroms } == [sizes[0], sizes[2], sizes[3]])
            #expect(declared.dataset?.xInAngstroms == sizes[4])
        }
    }

    @Test(
        "keeps what metadata said where a later addition says nothing, and names every source that contradicts the one that counts"
    )
    func contradictions() throws {
        let made = try TemporaryCatalog()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 1))
        func add(header: Double?, metadata: Double?, folder: Double?) throws -> NewTomogram.Outcome {
            func size(_ edge: Double?) -> VoxelSize? { edge.flatMap { VoxelSize(cubicInAngstroms: $0) } }
            return try made.catalog.collection.add(
                [
                    NewTomogram(
                        name: "t", location: VolumeLocation(path: made.temporary.file("t.mrc")), format: "mrc", scalarType: .int8,
                        shape: shape, headerVoxelSize: size(header), metadataVoxelSize: size(metadata),
                        folderVoxelSize: size(folder))
                ], dataset: "d")[0].outcome
        }
        #expect(try add(header: nil, metadata: 10, folder: 13.48) == .added)
        #expect(try add(header: nil, metadata: nil, folder: 13.48) == .unchanged)
        #expect(try made.value("SELECT voxel_size_source FROM v_tomogram") == "metadata")
        #expect(try add(header: nil, metadata: nil, folder: nil) == .updated)
        #expect(try made.value("SELECT folder_voxel_size IS NULL FROM v_tomogram") == 1)
        #expect(try made.catalog.collection.voxelSizeFindings().isEmpty)
        #expect(try add(header: 10.05, metadata: 10, folder: 13.48) == .updated)
        #expect(
            try made.catalog.collection.voxelSizeFindings()
                == [.conflict(tomogram: "d/t", voxelSize: 10.05, source: "header", other: 13.48, otherSource: "folder")])
    }

    @Test("derives the voxel size from what user, header and dataset say, in this order, before and after `describe`")
    func voxelSize() throws {
        for (user, added, described, dataset) in Self.evidence {
            let made = try TemporaryCatalog()
            let id = try made.add("a", header: added, user: user, defaultSize: dataset).id
            if let described { try describe(id, header: described.size, in: made) }
            let header = described.map(\.size) ?? added
            let row = try #require(
                try made.catalog.unsafeRead {
                    try Row.fetchOne($0, sql: "SELECT voxel_size, voxel_size_y, voxel_size_z, voxel_size_source FROM v_tomogram")
                })
            let expected = user ?? header ?? dataset
            let source = user != nil ? "user" : header != nil ? "header" : dataset != nil ? "dataset" : nil
            for column in 0..<3 { #expect(row[column] as Double? == expected) }
            #expect(row[3] as String? == source)
            #expect(try made.value("SELECT header_voxel_size FROM v_tomogram") == header)
        }
    }

    private struct Described {
        var size: Double?
    }

    /// All combinations of what the user says, what the header said at `add`, what `describe` read, and the default.
    private static var evidence: [(user: Double?, added: Double?, described: Described?, dataset: Double?)] {
        var all: [(Double?, Double?, Described?, Double?)] = []
        for user in [nil, 1.5] {
            for added in [nil, 2.5] {
                for described in [nil, Described(size: nil), Described(size: 3.5)] {
                    for dataset in [nil, 4.5] { all.append((user, added, described, dataset)) }
                }
            }
        }
        return all
    }

    /// What the step `describe` leaves: its metrics, of which the header's voxel size may be none.
    private func describe(_ id: Int64, header: Double?, in made: TemporaryCatalog) throws {
        let metrics = ["x", "y", "z"].compactMap { axis in header.map { ("header_voxel_size_\(axis)", $0) } }
        let (run, ids) = try made.catalog.runs.begin(
            command: "", version: "", owner: "", host: "", pid: 0, recipe: (Digest(of: "r".utf8), "{}"),
            configurations: [
                .init(step: "describe", scope: .tomogram, version: 1, parameters: [:], models: [:], digest: Digest(of: "c".utf8))
            ])
        let outcome = ItemOutcome.done(
            .init(
                stepID: ids[0].stepID, scopeID: id, configurationID: ids[0].configurationID, key: Digest(of: "k".utf8),
                startedAt: Timestamp.now, seconds: 1, inputs: [],
                outputs: [.init(name: "voxels", digest: Digest(of: "v".utf8), content: .value("\"\""))], metrics: metrics))
        try made.catalog.results.record([outcome], runID: run)
        try made.catalog.runs.end(run, status: .done)
    }
}
