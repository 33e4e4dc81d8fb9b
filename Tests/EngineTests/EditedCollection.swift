import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import ToySteps

/// A toy collection that is edited at random, and beside it a model of what it holds and of what must run.
///
/// The model knows nothing of traces, heads or digests: it remembers the inputs of everything that was ever computed,
/// and which texts were dropped.
final class EditedCollection {
    struct Tomogram {
        var id: Int64
        var name: String
        var dataset: String
        var file: String
        var line: String
        var isMissing = false
        var voxelSize: Double?
        var slabs: [Range<Int>: Int64] = [:]
        /// Content and id by name.
        var annotations: [String: (content: String, id: Int64)] = [:]
        /// The text that was last read.
        var lastText: String?

        var isBroken: Bool { line == "broken" }
        var fullName: String { "\(dataset)/\(name)" }
    }

    /// Indices into `tomograms`, each with a range of slices or the name of an annotation.
    struct TrainingSet {
        var slabs: [(tomogram: Int, z: Range<Int>)] = []
        var annotations: [(tomogram: Int, name: String)] = []

        var tomograms: Set<Int> { Set(slabs.map(\.tomogram) + annotations.map(\.tomogram)) }
    }

    let toys: ToyCollection
    private(set) var tomograms: [Tomogram] = []
    /// The names of tomograms that failed in the last run: what stands for them is of before.
    private(set) var failed: Set<String> = []
    /// Names of training sets, with their slabs by tomogram, and annotations.
    private(set) var sets: [String: TrainingSet] = [:]
    private(set) var currentSet: String?
    /// Whether what was trained could not be trained anew in the last run: what stands for it, and what reads it, is of before.
    private(set) var hasTrainingFailed = false
    private var defaults: [String: Double] = [:]
    /// What came out, by all that went in.
    private var computed: [String: String] = [:]
    private var evicted: Set<String> = []
    private var generator: RandomStream
    private var count = 0
    /// What was done, for the message of a failure.
    private(set) var story: [String] = []

    init(seed: UInt64) throws {
        toys = try ToyCollection()
        generator = RandomStream(state: seed)
        try addTomogram()
    }

    private func random<Value>(_ values: [Value]) throws -> Value {
        guard let value = values.randomElement(using: &generator) else { throw ToyError(description: "nothing to choose from") }
        return value
    }

    private func number() -> Int {
        count += 1
        return count
    }

    // MARK: Edits

    /// Does one edit at random.
    func edit() throws {
        let edits: [(String, () throws -> Void)] = [
            ("add", addTomogram), ("annotate", annotate), ("voxel size", setVoxelSize), ("default", setDefault),
            ("recipe", setRecipe), ("replace", replaceContent), ("touch", touch), ("header", changeHeader), ("move", moveFile),
            ("rename", rename), ("slab", addSlab), ("slab", addSlab), ("remove slab", removeSlab), ("evict", evict),
            ("evict", evict), ("version", changeVersion), ("break", breakFile), ("mend", mend), ("delete", deleteFile),
            ("training set", addTrainingSet), ("training set", addTrainingSet), ("use set", useTrainingSet),
            ("remove set", removeTrainingSet),
        ]
        let (name, body) = try random(edits)
        story.append(name)
        try body()
    }

    private func addTomogram() throws {
        let name = "t\(number())"
        var tomogram = Tomogram(id: 0, name: name, dataset: try random(["one", "two"]), file: name, line: try randomLine())
        tomogram.id = try toys.add(name, text: tomogram.line, dataset: tomogram.dataset)
        tomograms.append(tomogram)
        if Bool.random(using: &generator) { try addSlab(to: tomograms.count - 1) }
    }

    // Few, so that tomograms have twins and contents return.
    private func randomLine() throws -> String { try random(["alpha", "beta"]) }

    private func randomTomogram() throws -> Int { try random(Array(tomograms.indices)) }

    private func annotate() throws {
        let index = try randomTomogram()
        let name = "\(tomograms[index].file)-\(try random(["lines", "dots"]))"
        let content = try random(["x", "y"])
        tomograms[index].annotations[name] = (content, try toys.annotate(tomograms[index].id, name: name, content: content))
    }

    private func setVoxelSize() throws {
        let index = try randomTomogram()
        tomograms[index].voxelSize = try random([8, 10, 13.48])
        try addAgain(index)
    }

    private func addAgain(_ index: Int) throws {
        let tomogram = tomograms[index]
        let id = try toys.add(tomogram.name, file: tomogram.file, voxelSize: tomogram.voxelSize, dataset: tomogram.dataset)
        guard id == tomogram.id else { throw ToyError(description: "the tomogram \(tomogram.name) got another id") }
    }

    private func setDefault() throws {
        let tomogram = tomograms[try randomTomogram()]
        let size = try random([5, 7.5])
        defaults[tomogram.dataset] = size
        try toys.add(tomogram.name, file: tomogram.file, dataset: tomogram.dataset, defaultVoxelSize: size)
    }

    private func setRecipe() throws {
        let (key, value) = try random([
            ("slice.gain.factor", "1.0"), ("slice.gain.factor", "2.5"), ("slice.note", "plain"), ("slice.note", "fancy"),
            ("slab.depth", "3"), ("slab.depth", "4"),
        ])
        toys.settings[key] = value
    }

    private func replaceContent() throws { try write(try randomLine(), to: try randomTomogram()) }

    private func write(_ line: String, to index: Int, header: String = "") throws {
        tomograms[index].line = line
        tomograms[index].isMissing = false
        try toys.write(tomograms[index].file, header.isEmpty ? line : "\(line)\n\(header)")
    }

    private func touch() throws {
        let index = try randomTomogram()
        if !tomograms[index].isMissing { try toys.touch(tomograms[index].file) }
    }

    private func changeHeader() throws {
        let index = try randomTomogram()
        try write(tomograms[index].line, to: index, header: "header \(number())")
    }

    private func moveFile() throws {
        let index = try randomTomogram()
        let file = "moved\(number())"
        if !tomograms[index].isMissing {
            try FileManager.default.moveItem(atPath: toys.path(tomograms[index].file), toPath: toys.path(file))
        }
        tomograms[index].file = file
        try addAgain(index)
    }

    private func rename() throws {
        let index = try randomTomogram()
        tomograms[index].name = "renamed\(number())"
        try addAgain(index)
    }

    private func addSlab() throws { try addSlab(to: try randomTomogram()) }

    private func addSlab(to index: Int) throws {
        let first = Int.random(in: 0..<4, using: &generator)
        let z = first..<first + Int.random(in: 1...3, using: &generator)
        tomograms[index].slabs[z] = try toys.catalog.collection.addSlab(tomogramID: tomograms[index].id, z: z).id
    }

    private func removeSlab() throws {
        let index = try randomTomogram()
        let slabs = tomograms[index].slabs.sorted {
            ($0.key.lowerBound, $0.key.upperBound) < ($1.key.lowerBound, $1.key.upperBound)
        }
        guard let slab = slabs.randomElement(using: &generator) else { return }
        if sets.values.contains(where: { set in set.slabs.contains { $0.tomogram == index && $0.z == slab.key } }) {
            do {
                try toys.catalog.collection.remove(.slabs, ids: [slab.value])
            } catch is CatalogError {
                return
            }
            throw ToyError(description: "a member of a training set was removed")
        }
        tomograms[index].slabs[slab.key] = nil
        try toys.catalog.collection.remove(.slabs, ids: [slab.value])
    }

    private func addTrainingSet() throws {
        var set = TrainingSet()
        for index in tomograms.indices {
            for z in tomograms[index].slabs.keys.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) })
            where Bool.random(using: &generator) {
                set.slabs.append((index, z))
            }
            for name in tomograms[index].annotations.keys.sorted() where Bool.random(using: &generator) {
                set.annotations.append((index, name))
            }
        }
        guard !set.tomograms.isEmpty else { return }
        let name = "set\(number())"
        sets[name] = set
        if currentSet == nil { currentSet = name }
        try toys.catalog.collection.addTrainingSet(named: name, slabs: slabIDs(of: set), annotations: annotationIDs(of: set))
    }

    private func slabIDs(of set: TrainingSet) -> [Int64] { set.slabs.compactMap { tomograms[$0.tomogram].slabs[$0.z] } }

    private func annotationIDs(of set: TrainingSet) -> [Int64] {
        set.annotations.compactMap { tomograms[$0.tomogram].annotations[$0.name]?.id }
    }

    private func useTrainingSet() throws {
        guard let name = sets.keys.sorted().randomElement(using: &generator) else { return }
        currentSet = name
        try toys.catalog.collection.useTrainingSet(named: name)
    }

    private func removeTrainingSet() throws {
        guard let name = sets.keys.sorted().randomElement(using: &generator) else { return }
        sets[name] = nil
        if currentSet == name { currentSet = nil }
        try toys.catalog.collection.removeTrainingSet(named: name)
    }

    private func evict() throws {
        for artifact in try toys.catalog.results.artifacts() where artifact.state == .present && Bool.random(using: &generator) {
            evicted.insert(try ToyText.read(toys.store.open(artifact.digest)))
            try toys.store.remove(artifact.digest)
            try toys.catalog.results.setState(.evicted, of: [artifact.digest])
        }
    }

    private func changeVersion() throws {
        toys.steps.versions[try random(["read", "scale", "slice", "slab", "summary", "compare", "train", "segment"])] =
            try random([1, 2])
    }

    private func breakFile() throws { try write("broken", to: try randomTomogram()) }

    private func mend() throws {
        for index in tomograms.indices where tomograms[index].isBroken { try write(try randomLine(), to: index) }
    }

    /// Puts every file back and in order.
    func mendAll() throws {
        try mend()
        for index in tomograms.indices where tomograms[index].isMissing { try write(tomograms[index].line, to: index) }
    }

    private func deleteFile() throws {
        let index = try randomTomogram()
        guard !tomograms[index].isMissing else { return }
        tomograms[index].isMissing = true
        try FileManager.default.removeItem(atPath: toys.path(tomograms[index].file))
    }

    // MARK: The model

    /// What one run must do.
    struct Expectation {
        /// What must run, by all that goes in; each once, whichever of several twins does it.
        var runs: Set<String> = []
        /// What goes into each item, by its name in the log.
        var keys: [String: String] = [:]
        /// Results by the names of `ToyCollection.results`.
        var results: [String: String] = [:]
    }

    /// Says what a run must do now, and takes it as done.
    func expectRun() throws -> Expectation {
        var expectation = Expectation()
        failed = []
        var slabsByTomogram: [Int: [Slab]] = [:]
        for index in tomograms.indices {
            guard let text = try expectRead(index, &expectation) else {
                failed.insert(tomograms[index].fullName)
                continue
            }
            tomograms[index].lastText = text
            let tomogram = tomograms[index]
            let name = tomogram.fullName

            let declared = [tomogram.voxelSize.map { "user \($0)" }, defaults[tomogram.dataset].map { "dataset \($0)" }]
            let size = (tomogram.voxelSize ?? defaults[tomogram.dataset]).map { "\($0) Å" } ?? "unknown"
            let scaled = expect("scale", name, "", ["\(declared)", text], "\(text)@\(size)", &expectation)
            expectation.results["scale \(name) scaled"] = scaled

            let slices = try expectSlices(of: tomogram, text, &expectation)
            let slabs = try expectSlabs(of: tomogram, slices, &expectation)
            slabsByTomogram[index] = slabs
            let report = ([scaled] + slabs.map(\.text)).joined(separator: "\n")
            let inputs = slabs.map { "\($0.label) \($0.text)" } + [scaled]
            if computed[key("summary", inputs)] == nil {
                for slab in slabs where evicted.contains(slab.text) {
                    restore(slab.members, &expectation)
                    restore([(slab.key, slab.text)], &expectation)
                }
            }
            expectation.results["summary \(name) report"] = expect("summary", name, "", inputs, report, &expectation)
            for (file, annotation) in tomogram.annotations {
                expectation.results["compare \(name) \(file).txt verdict"] = expect(
                    "compare", name, " annotation \(annotation.id)", [annotation.content, scaled], "annotated \(scaled)",
                    &expectation)
            }
        }
        expectTraining(slabsByTomogram, &expectation)
        for (name, text) in expectation.results where evicted.contains(text) { expectation.results[name] = "evicted" }
        return expectation
    }

    /// The current set, and every tomogram by it.
    private func expectTraining(_ slabsByTomogram: [Int: [Slab]], _ expectation: inout Expectation) {
        hasTrainingFailed = false
        guard let name = currentSet, let set = sets[name] else { return }
        guard set.tomograms.allSatisfy({ slabsByTomogram[$0] != nil }) else {
            hasTrainingFailed = true
            return
        }
        // By ascending id of the tomogram, which is the order of the indices, then by z; annotations by their ids.
        let slabs: [(owner: String, scaled: String, slab: Slab)] = set.slabs.compactMap { member in
            let tomogram = tomograms[member.tomogram]
            return slabsByTomogram[member.tomogram]?.first { $0.label == "\(member.z)" }.map { slab in
                (tomogram.fullName, scaled(tomogram), slab)
            }
        }
        let annotations = set.annotations.compactMap { member in
            tomograms[member.tomogram].annotations[member.name].map { (member.tomogram, $0, member.name) }
        }.sorted { ($0.0, $0.1.id) < ($1.0, $1.1.id) }
        let slabTexts = slabs.map { "\($0.owner) z \($0.slab.label) \($0.scaled): \($0.slab.text)" }
        let annotationTexts = annotations.map { #"\#(tomograms[$0.0].fullName) \#($0.2).txt: ["\#($0.1.content)"]"# }
        let network = (slabTexts + annotationTexts).joined(separator: " + ")
        let scales = set.tomograms.sorted().map { "\(tomograms[$0].fullName) \(scaled(tomograms[$0]))" }
        // The label of an annotation is its id.
        let inputs = slabTexts + annotationTexts + annotations.map { "\($0.1.id)" } + scales
        let trainKey = key("train", inputs)
        func restoreMembers() {
            for (_, _, slab) in slabs where evicted.contains(slab.text) {
                restore(slab.members, &expectation)
                restore([(slab.key, slab.text)], &expectation)
            }
        }
        if computed[trainKey] == nil { restoreMembers() }
        expectation.results["train \(name) network"] = expect(
            "train", name, "", inputs, network, &expectation)
        for index in slabsByTomogram.keys.sorted() {
            guard let text = tomograms[index].lastText else { continue }
            if computed[key("segment", [network, text])] == nil, evicted.contains(network) {
                restoreMembers()
                restore([(trainKey, network)], &expectation)
            }
            let owner = tomograms[index].fullName
            expectation.results["segment \(owner) segments"] = expect(
                "segment", owner, "", [network, text], "\(text) by \(network)", &expectation)
        }
    }

    private func scaled(_ tomogram: Tomogram) -> String {
        let size = (tomogram.voxelSize ?? defaults[tomogram.dataset]).map { "\($0) Å" } ?? "unknown"
        return "\(tomogram.lastText ?? "")@\(size)"
    }

    private func key(_ step: String, _ inputs: [String]) -> String { "\(step) \(toys.steps.versions[step] ?? 1) \(inputs)" }

    private func expect(
        _ step: String, _ name: String, _ label: String, _ inputs: [String], _ result: String, _ expectation: inout Expectation
    ) -> String {
        let key = key(step, inputs)
        expectation.keys["\(step) \(name)\(label)"] = key
        if computed[key] == nil {
            expectation.runs.insert(key)
            computed[key] = result
            evicted.remove(result)
        }
        return result
    }

    private func restore(_ items: [(key: String, text: String)], _ expectation: inout Expectation) {
        for item in items where evicted.contains(item.text) {
            expectation.runs.insert(item.key)
            evicted.remove(item.text)
        }
    }

    /// The text that a tomogram's file gives; nil where it fails.
    private func expectRead(_ index: Int, _ expectation: inout Expectation) throws -> String? {
        let tomogram = tomograms[index]
        var text = tomogram.lastText
        if !tomogram.isMissing {
            var info = stat()
            guard stat(toys.path(tomogram.file), &info) == 0 else { throw ToyError(description: "no file \(tomogram.file)") }
            let signature = "\(tomogram.file) \(info.st_size) \(info.st_mtim.tv_sec) \(info.st_mtim.tv_nsec) \(info.st_ino)"
            if tomogram.isBroken {
                let key = key("read", [signature])
                expectation.keys["read \(tomogram.fullName)"] = key
                expectation.runs.insert(key)
                return nil
            }
            let result = "\(tomogram.line)#\(toys.steps.versions["read"] ?? 1)"
            text = expect("read", tomogram.fullName, "", [signature], result, &expectation)
        }
        if let text { expectation.results["read \(tomogram.fullName) text"] = text }
        return text
    }

    private func expectSlices(
        of tomogram: Tomogram, _ text: String, _ expectation: inout Expectation
    ) throws -> [Int: (key: String, text: String)] {
        let recipe = try toys.recipe()
        let (gain, note) = (recipe["slice.gain.factor"]?.text ?? "", recipe["slice.note"]?.text ?? "")
        var slices: [Int: (key: String, text: String)] = [:]
        for z in Set(tomogram.slabs.keys.flatMap(\.self)) {
            let inputs = ["z \(z)", text, gain, note]
            let result = expect("slice", tomogram.fullName, " z \(z)", inputs, "z \(z)|\(text)|\(gain)|\(note)", &expectation)
            slices[z] = (key("slice", inputs), result)
            expectation.results["slice \(tomogram.fullName) \(z)..<\(z + 1) image"] = result
        }
        return slices
    }

    private typealias Slab = (label: String, key: String, text: String, members: [(key: String, text: String)])

    private func expectSlabs(
        of tomogram: Tomogram, _ slices: [Int: (key: String, text: String)], _ expectation: inout Expectation
    ) throws -> [Slab] {
        let depth = try toys.recipe()["slab.depth"]?.text ?? ""
        return tomogram.slabs.keys.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }.map { z in
            let members = z.compactMap { slices[$0] }
            let inputs = ["\(z)", depth] + members.map(\.text)
            let slabKey = key("slab", inputs)
            if computed[slabKey] == nil { restore(members, &expectation) }
            let result = expect(
                "slab", tomogram.fullName, " z \(z)", inputs, "\(depth): " + members.map(\.text).joined(separator: " / "),
                &expectation)
            expectation.results["slab \(tomogram.fullName) \(z) volume"] = result
            return ("\(z)", slabKey, result, members)
        }
    }

    // MARK: A clean catalog

    /// The results of a new catalog that never saw any of the edits, only where they led.
    func cleanResults() throws -> [String: String] {
        let clean = try ToyCollection()
        var (slabs, annotations): ([String: Int64], [Int64: Int64]) = ([:], [:])
        for tomogram in tomograms {
            let id = try clean.add(
                tomogram.name, file: tomogram.file, text: tomogram.line, voxelSize: tomogram.voxelSize, dataset: tomogram.dataset,
                defaultVoxelSize: defaults[tomogram.dataset])
            for z in tomogram.slabs.keys {
                slabs["\(tomogram.id) \(z)"] = try clean.catalog.collection.addSlab(tomogramID: id, z: z).id
            }
            // In the order in which they were added, in which training reads them.
            for (name, annotation) in tomogram.annotations.sorted(by: { $0.value.id < $1.value.id }) {
                annotations[annotation.id] = try clean.annotate(id, name: name, content: annotation.content)
            }
        }
        if let name = currentSet, let set = sets[name] {
            try clean.train(
                name, slabs: set.slabs.compactMap { slabs["\(tomograms[$0.tomogram].id) \($0.z)"] },
                annotations: annotationIDs(of: set).compactMap { annotations[$0] })
        }
        clean.settings = toys.settings
        clean.steps.handsOn = toys.steps.handsOn
        clean.steps.versions = toys.steps.versions
        try clean.run()
        return try clean.results()
    }
}
