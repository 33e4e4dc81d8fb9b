import ArgumentParser
import Basics
import BlobStore
import CellarKit
import Foundation
import Tensors

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look for what could go wrong: disk, files, voxel sizes, recipe, database.",
        discussion: "Each finding says what to do about it. Exits with 1 where something needs attention.")

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let facts = try SystemFacts(workspace)
        for (name, value) in facts.lines { print("\(name.padding(toLength: 12, withPad: " ", startingAt: 0))\(value)") }
        print("")
        let findings = try findings(workspace, facts)
        for finding in findings { print("! \(finding)") }
        if findings.isEmpty { return print("Nothing needs attention.") }
        throw ExitCode(1)
    }

    private func findings(_ workspace: Workspace, _ facts: SystemFacts) throws -> [String] {
        var findings = try workspace.catalog.integrityProblems()
        findings += try workspace.catalog.collection.voxelSizeFindings().map(\.description)
        do {
            let plan = try Planner(workspace.catalog, graph: workspace.graph, recipe: workspace.recipe()).plan()
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
        findings += try unmatchedAnnotations(workspace)
        // Looked at before the files: what a run has in the making is none of these. Files that nobody here made are nobody's stray.
        if !RunLock.isHeld(in: workspace.catalog) {
            let strays = try workspace.store().inventory().strays.count { $0.isStaged }
            if strays > 0 {
                findings.append("\(strays) files in the blob store were left half-written; `cellar gc --apply` removes them")
            }
        }
        if let free = facts.freeBytes, free < 1 << 30 {
            findings.append(
                "less than 1 GiB is free on the disk of \(workspace.directory.path); make room or `cellar gc --budget SIZE`")
        }
        return findings
    }

    /// Annotations with which nothing was compared, because what was found has other names.
    private func unmatchedAnnotations(_ workspace: Workspace) throws -> [String] {
        struct Comparison: Decodable {
            let classes: [String: [String]]
            let leftOut: [String]
        }
        var counts: [[String]: Int] = [:]
        try QueryConnection(workspace.catalog).run(
            "SELECT step, value FROM v_output WHERE name = 'comparison' AND step GLOB 'evaluate*'"
        ) { row in
            let comparison = try JSONDecoder().decode(Comparison.self, from: Data(row[1].plainText.utf8))
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
}

/// What this machine and this catalog are.
private struct SystemFacts {
    let lines: [(name: String, value: String)]
    let freeBytes: Int?

    init(_ workspace: Workspace) throws {
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: workspace.directory.path)
        freeBytes = (attributes[.systemFreeSize] as? NSNumber)?.intValue
        let process = ProcessInfo.processInfo
        lines = [
            ("cellar", CellarCommand.version),
            ("openblas", "\(BLAS.kernelName) kernels, \(Threads.count) threads"),
            ("catalog", "\(workspace.directory.path), schema \(try workspace.catalog.schemaVersion())"),
            ("sqlite", Catalog.sqliteVersion),
            ("hdf5", BlobStore.libraryVersion),
            ("processors", "\(process.activeProcessorCount)"),
            ("memory", byteSize(Double(process.physicalMemory))),
            ("disk", freeBytes.map { "\(byteSize(Double($0))) free" } ?? "unknown"),
        ]
    }
}
