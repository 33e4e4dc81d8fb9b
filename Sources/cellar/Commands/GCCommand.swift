import ArgumentParser
import BlobStore
import CellarKit

struct GCCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Say what can be dropped, and drop it.",
        discussion: """
            Drops files that no result names (a run was killed while it wrote them) and, with --budget, evictable artifacts \
            until the rest fits: first those of earlier parameters, then the oldest. What was dropped is computed again when a \
            step below needs it; it is not stale. Folders of items that were stopped go too, but for those from which a run would \
            go on. Without --apply nothing is changed.
            """)

    @Option(help: ArgumentHelp("How much may stay, such as 500M, 20G or 1T; without it only stray files go.", valueName: "size"))
    var budget: ByteCount?

    @Flag(help: "Drop it.")
    var apply = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let store = try workspace.store()
        // Nobody may write blobs while files without a row are taken for strays.
        let lock = try RunLock(workspace.catalog)
        defer { withExtendedLifetime(lock) {} }
        let inventory = try store.inventory()
        let known = Set(try workspace.catalog.artifacts().filter { $0.state == .present }.map(\.digest))
        let orphans = inventory.digests.filter { !known.contains($0) }
        let orphanBytes = orphans.reduce(0) { $0 + (store.byteCount(of: $1) ?? 0) }
        let strayBytes = inventory.strays.reduce(0) { $0 + $1.byteCount }

        let workFolder = WorkFolder(workspace.directory)
        let workspaces = try workFolder.workspaces()
        let continued = try Planner(workspace.catalog, graph: workspace.graph, recipe: workspace.recipe())
            .continuedKeys(among: Set(workspaces.map(\.key)))
        let abandoned = workspaces.filter { !continued.contains($0.key) }

        var victims: [Catalog.Reclaimable] = []
        var kept = try workspace.catalog.artifactBytes()
        if let budget {
            for candidate in try workspace.catalog.reclaimableArtifacts() where kept > budget.bytes {
                victims.append(candidate)
                kept -= candidate.bytes
            }
        }
        print("\(inventory.strays.count + orphans.count) stray files, \(byteSize(Double(strayBytes + orphanBytes)))")
        print("\(victims.count) evictable artifacts, \(byteSize(Double(victims.reduce(0) { $0 + $1.bytes })))")
        print(
            "\(abandoned.count) abandoned workspace\(abandoned.count == 1 ? "" : "s"), \(byteSize(Double(abandoned.reduce(0) { $0 + $1.byteCount })))"
        )
        if abandoned.count < workspaces.count {
            let bytes = workspaces.filter { continued.contains($0.key) }.reduce(0) { $0 + $1.byteCount }
            print("\(workspaces.count - abandoned.count) workspaces, \(byteSize(Double(bytes))), stay: a run goes on from there")
        }
        print("\(byteSize(Double(kept))) stay")
        if let budget, kept > budget.bytes {
            note("the budget of \(byteSize(Double(budget.bytes))) cannot be kept: the rest is not evictable")
        }
        guard apply else {
            note("nothing was changed; --apply does it")
            return
        }
        try workFolder.remove(abandoned)
        _ = try store.removeStrays(olderThan: .zero)
        try store.remove(orphans)
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        try workspace.catalog.setState(.evicted, of: victims.map(\.digest))
        try store.remove(victims.map(\.digest))
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
