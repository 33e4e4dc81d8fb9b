import ArgumentParser
import Basics
import BlobStore
import CellarKit

struct GCCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Say what can be dropped, and drop it.",
        discussion: """
            Drops files that no result names (a run was killed while it wrote them), and folders of items that were stopped, but for \
            those from which a run would go on. With --budget, evictable artifacts until the rest fits: first those of earlier \
            parameters, then the oldest. What was dropped so is computed again when a step below needs it; it is not stale.

            Results that no longer stand are kept, so that parameters, slabs or tomograms that return find them. --removed drops those \
            of what was removed, --keep-runs those of older runs, and these runs. What a result that stands was computed from stays. \
            Without --apply nothing is changed.
            """)

    @Option(help: ArgumentHelp("How much may stay, such as 500M, 20G or 1T; without it only stray files go.", valueName: "size"))
    var budget: ByteCount?

    @Flag(help: "Drop results of tomograms, annotations, slabs and training sets that were removed.")
    var removed = false

    @Option(help: ArgumentHelp("Drop results that do not stand, and that no run of the last so many gave.", valueName: "number"))
    var keepRuns: WholeNumber<0, 1_000_000_000>?

    @Flag(help: "Drop it.")
    var apply = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        guard apply else {
            if RunLock.isHeld(in: workspace.catalog) { note("a run goes on; what it is just writing is counted as stray") }
            try describe(workspace)
            return note("nothing was changed; --apply does it")
        }
        // Nobody may write blobs while files without a row are taken for strays.
        let lock = try RunLock(workspace.catalog)
        defer { withExtendedLifetime(lock) {} }
        let victims = try describe(workspace)
        let store = try workspace.store()
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        if unneeded != Catalog.Unneeded() { _ = try workspace.catalog.results.drop(unneeded) }
        try workspace.catalog.results.setState(.evicted, of: victims)
        let leftovers = try Leftovers(workspace)
        try leftovers.workFolder.remove(leftovers.abandoned)
        _ = try store.removeStrays(olderThan: .zero)
        try store.remove(leftovers.orphans)
    }

    private var unneeded: Catalog.Unneeded { Catalog.Unneeded(ofRemoved: removed, keptRuns: keepRuns?.value) }

    /// Prints what can be dropped.
    ///
    /// - Returns: the artifacts that have to go for the budget.
    @discardableResult
    private func describe(_ workspace: Workspace) throws -> [Digest] {
        let leftovers = try Leftovers(workspace)
        func line(_ count: Int, _ noun: String, _ bytes: Int) {
            print("\(count) \(noun)\(count == 1 ? "" : "s"), \(size(bytes))")
        }
        line(leftovers.strayCount, "stray file", leftovers.strayBytes)
        line(leftovers.abandoned.count, "abandoned workspace", leftovers.abandoned.reduce(0) { $0 + $1.byteCount })
        if !leftovers.continued.isEmpty {
            print(
                "\(leftovers.continued.count) workspaces, \(size(leftovers.continued.reduce(0) { $0 + $1.byteCount })), stay: a run "
                    + "goes on from there")
        }
        let catalog = workspace.catalog
        let ofRemoved = try catalog.results.count(Catalog.Unneeded(ofRemoved: true))
        print("\(text(ofRemoved)) of what was removed" + (removed || ofRemoved.results == 0 ? "" : " (--removed drops them)"))
        if let keepRuns {
            let old = try catalog.results.count(Catalog.Unneeded(keptRuns: keepRuns.value))
            print("\(text(old)) of runs before the last \(keepRuns), and \(old.runs) runs")
        }
        var victims: [Catalog.Reclaimable] = []
        var kept = try catalog.results.artifactBytes()
        if unneeded != Catalog.Unneeded() { kept -= try catalog.results.count(unneeded).bytes }
        if let budget {
            for candidate in try catalog.results.reclaimableArtifacts() where kept > budget.bytes {
                victims.append(candidate)
                kept -= candidate.bytes
            }
        }
        line(victims.count, "evictable artifact", victims.reduce(0) { $0 + $1.bytes })
        print("\(size(kept)) stay")
        if let budget, kept > budget.bytes {
            note("the budget of \(size(budget.bytes)) cannot be kept: the rest is not evictable")
        }
        return victims.map(\.digest)
    }

    private func text(_ count: Catalog.UnneededCount) -> String {
        "\(count.results) result\(count.results == 1 ? "" : "s"), \(count.artifacts) artifacts, \(size(count.bytes)),"
    }

    private func size(_ bytes: Int) -> String { byteSize(Double(bytes)) }
}

/// Files that belong to no result.
private struct Leftovers {
    let workFolder: WorkFolder
    /// Folders of items under whose key nothing is to run.
    let abandoned: [WorkFolder.Workspace]
    /// Folders from which a run would go on.
    let continued: [WorkFolder.Workspace]
    /// Whole artifacts that the catalog does not know.
    let orphans: [Digest]
    /// With those that a killed process left half-written.
    let strayCount: Int
    let strayBytes: Int

    init(_ workspace: Workspace) throws {
        workFolder = WorkFolder(workspace.directory)
        let workspaces = try workFolder.workspaces()
        let keys = try Planner(workspace.catalog, graph: workspace.graph, recipe: workspace.recipe())
            .continuedKeys(among: Set(workspaces.map(\.key)))
        abandoned = workspaces.filter { !keys.contains($0.key) }
        continued = workspaces.filter { keys.contains($0.key) }
        let store = try workspace.store()
        let inventory = try store.inventory()
        let staged = inventory.strays.filter(\.isStaged)
        let known = Set(try workspace.catalog.results.artifacts().filter { $0.state == .present }.map(\.digest))
        orphans = inventory.digests.filter { !known.contains($0) }
        strayCount = staged.count + orphans.count
        strayBytes = orphans.reduce(0) { $0 + (store.byteCount(of: $1) ?? 0) } + staged.reduce(0) { $0 + $1.byteCount }
    }
}

/// A number of bytes as people write it: `500M`, `20G`, `1.5TiB`, in powers of 1024.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        guard let match = argument.uppercased().wholeMatch(of: /([0-9]+(?:\.[0-9]+)?)\s*([KMGTP]?)(?:I?B)?/),
            let number = Double(match.1)
        else { return nil }
        let power = ["": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5][String(match.2)] ?? 0
        let value = (0..<power).reduce(number) { product, _ in product * 1024 }
        guard let bytes = Int(exactly: value.rounded()) else { return nil }
        self.bytes = bytes
    }
}
