import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import Pipeline
import Tensors
import Volumes

extension Project {
    /// What could go wrong, and what to do about it, a sentence each: the database, voxel sizes, missing files, failed items, the recipe,
    /// annotations that were compared with nothing, half-written files, and the disk.
    ///
    /// - Throws: `CatalogError` where the catalog cannot be read.
    public func findings() throws -> [String] {
        var findings = try catalog.integrityProblems()
        findings += try catalog.collection.voxelSizeFindings().map(\.description)
        do {
            let plan = try plan()
            for name in plan.missingSources.prefix(20) {
                findings.append("the file of \(name) is missing; mount its disk, or move it back, or add it from its new place")
            }
            if plan.missingSources.count > 20 { findings.append("… and the files of \(plan.missingSources.count - 20) more") }
            for step in plan.summaries where step.failed > 0 {
                findings.append("\(step.failed) items of \(step.step) failed; `cellar list failures` says why")
            }
        } catch let error as EngineError {
            findings.append(error.message)
        }
        findings += try unmatchedAnnotations()
        findings += try invertedTomograms()
        // Looked at before the files: what a run has in the making is none of these. Files that nobody here made are nobody's stray.
        if !RunLock.isHeld(in: catalog) {
            let owners = SpooledBundle.owners(of: directory)
            let strays = try store().inventory().strays.count { $0.isStaged && !$0.isOwned(by: owners) }
            if strays > 0 {
                findings.append("\(strays) files in the blob store were left half-written; `cellar gc --apply` removes them")
            }
        }
        for path in Set([directory.path, directory.blobs]).sorted() {
            if let free = freeBytes(at: path), free < 1 << 30, path == directory.path || hasBlobsElsewhere {
                findings.append("less than 1 GiB is free on the disk of \(path); make room or `cellar gc --budget SIZE`")
            }
            if FileSystemKind(ofPath: path).isMemory, path == directory.path || hasBlobsElsewhere {
                findings.append("\(path) lies in memory, and is gone when the machine stops; `cellar backup` copies the catalog")
            }
        }
        return findings
    }

    /// What a training gave up, a sentence each: its labels taught nothing, or made the model that it began with no better, which is kept as
    /// it is.
    ///
    /// - Throws: `CatalogError` where the catalog cannot be read.
    public func trainingRemarks() throws -> [String] {
        guard let set = try catalog.collection.currentTrainingSet() else { return [] }
        var remarks: [String] = []
        try query(
            "SELECT step, name FROM v_metric WHERE (name = :kept AND value = 0 OR name = :nothing) AND scope = :scope AND scope_id = :set "
                + "ORDER BY step",
            parameters: [
                "kept": .text(RoundComparison.keptRound), "nothing": .text(TrainingSummary.nothingToLearn),
                "scope": .text(ScopeKind.trainingSet.rawValue), "set": .integer(set.id ?? 0),
            ]
        ) { row in
            let step = row[0].plainText
            remarks.append(
                row[1].plainText == TrainingSummary.nothingToLearn
                    ? "\(step) gave no network, and where the recipe averages it with a model, the model serves alone: the labels of "
                        + "\(set.name) have none of what is learned; more slabs may (`cellar slab suggest`)"
                    : "\(step) made the model that it began with no better on what is held out of \(set.name), and kept it as it is: "
                        + "more slabs, in which there is more of what is learned, may (`cellar slab suggest`)")
        }
        return remarks
    }

    /// Tomograms in which the built-in network finds far more when bright and dark are exchanged.
    private func invertedTomograms() throws -> [String] {
        var findings: [String] = []
        try query(
            "SELECT tomogram, value FROM v_metric WHERE step = :step AND name = :name AND value > 1.2 ORDER BY tomogram LIMIT 20",
            parameters: ["step": .text(SegmentStep.name), "name": .text(SegmentStep.invertedContrast)]
        ) { row in
            findings.append(
                "protein seems to be bright in \(row[0].plainText), and the network that comes with the program expects it dark: multiply its "
                    + "densities by -1, and add it again")
        }
        return findings
    }

    /// Annotations with which nothing was compared, because what was found has other names.
    private func unmatchedAnnotations() throws -> [String] {
        var counts: [[String]: Int] = [:]
        try query(
            "SELECT step, value FROM v_output WHERE name = :output AND step IN (:step, :picks, :labels)",
            parameters: [
                "output": .text(EvaluateStep.outputs.comparison.output.name), "step": .text(EvaluateStep.name),
                "picks": .text(EvaluatePicksStep.name), "labels": .text(EvaluatePseudoLabelsStep.name),
            ]
        ) { row in
            let comparison = try JSONDecoder().decode(EvaluationOutputs.Comparison.self, from: Data(row[1].plainText.utf8))
            guard comparison.classes.isEmpty, !comparison.leftOut.isEmpty else { return }
            counts[[row[0].plainText] + comparison.leftOut, default: 0] += 1
        }
        return counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { key, count in
            let (step, names) = (key[0], key.dropFirst())
            return
                "\(step) compared nothing with \(count) annotations of \(names.joined(separator: ", ")), because nothing that was found has "
                + "these names; `cellar recipe set \(step).classes=\(key[1])=FOUND` says which class that is, and \(key[1])= leaves it out"
        }
    }

    /// The free bytes of the disk that the catalog is on; nil where the system does not say.
    public var freeBytes: Int? { freeBytes(at: directory.path) }

    private func freeBytes(at path: String) -> Int? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
        return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
    }

    private var hasBlobsElsewhere: Bool { directory.blobs != "\(directory.path)/blobs" }

    /// What holds on the file system of the catalog, and on that of the artifacts.
    private var fileSystemFacts: [(name: String, value: String)] {
        let kind = FileSystemKind(ofPath: directory.path)
        let rules =
            kind.isShared
            ? "shared: one process at a time writes, all others read its snapshots"
            : "local: any number of processes read and write"
        let blobs = FileSystemKind(ofPath: directory.blobs)
        let caution =
            blobs.isShared ? "shared: what another host wrote may be seen some seconds later, and is waited for" : "local"
        return [
            ("file system", "\(kind.name), \(rules)"),
            ("artifacts", "\(hasBlobsElsewhere ? "\(directory.blobs), " : "")\(blobs.name), \(caution)"),
        ]
    }

    /// The libraries, the machine and the catalog, as names and values.
    ///
    /// - Throws: `CatalogError` where the catalog cannot be read.
    public func systemFacts() throws -> [(name: String, value: String)] {
        let process = ProcessInfo.processInfo
        // Not being installed is no finding: most catalogs have no such store, and where one is added, the error says the same.
        let codecs = CodecLibrary.allCases.map { library in
            let advice = "not installed; for zarr stores compressed by it: apt install \(library.package)"
            return (library.rawValue, library.version ?? advice)
        }
        let facts = [
            ("openblas", "\(BLAS.kernelName) kernels, \(Threads.count) threads"),
            ("catalog", "\(directory.path), schema \(try catalog.schemaVersion())"),
            ("sqlite", Catalog.sqliteVersion),
            ("hdf5", BlobStore.libraryVersion),
        ]
        let machine = [
            ("processors", "\(process.activeProcessorCount)"),
            ("memory", QuantityText.bytes(Double(process.physicalMemory))),
            ("disk", freeBytes.map { "\(QuantityText.bytes(Double($0))) free" } ?? "unknown"),
        ]
        return facts + fileSystemFacts + codecs + machine
    }
}
