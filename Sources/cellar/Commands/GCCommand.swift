import ArgumentParser
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

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let request = ReclaimingRequest(budget: budget?.bytes, dropsRemoved: removed, keptRuns: keepRuns?.value)
        guard apply else {
            if RunLock.isHeld(in: project.catalog) { note("a run goes on; what it is just writing is counted as stray") }
            describe(try project.reclaimable(request))
            return note("nothing was changed; --apply does it")
        }
        let line = progressOptions.line("gc")
        defer { line.clear() }
        try project.reclaim(request, report: describe) { done, total in
            line.show(ProgressReport(done: done, of: total, what: "files removed"))
        }
    }

    /// Prints what can be dropped.
    private func describe(_ found: Reclamation) {
        func line(_ count: Int, _ noun: String, _ bytes: Int) {
            print("\(count) \(noun)\(count == 1 ? "" : "s"), \(size(bytes))")
        }
        line(found.strays.count, "stray file", found.strays.byteCount)
        line(found.abandoned.count, "abandoned workspace", found.abandoned.reduce(0) { $0 + $1.byteCount })
        if !found.continued.isEmpty {
            print(
                "\(found.continued.count) workspaces, \(size(found.continued.reduce(0) { $0 + $1.byteCount })), stay: a run "
                    + "goes on from there")
        }
        print(
            "\(text(found.ofRemoved)) of what was removed"
                + (removed || found.ofRemoved.results == 0 ? "" : " (--removed drops them)"))
        if let keepRuns, let old = found.ofOlderRuns {
            print("\(text(old)) of runs before the last \(keepRuns), and \(old.runs) runs")
        }
        line(found.evicted.count, "evictable artifact", found.evicted.reduce(0) { $0 + $1.bytes })
        print("\(size(found.keptByteCount)) stay")
        if let budget, found.keptByteCount > budget.bytes {
            note("the budget of \(size(budget.bytes)) cannot be kept: the rest is not evictable")
        }
    }

    private func text(_ count: Catalog.UnneededCount) -> String {
        "\(count.results) result\(count.results == 1 ? "" : "s"), \(count.artifacts) artifacts, \(size(count.bytes)),"
    }

    private func size(_ bytes: Int) -> String { QuantityText.bytes(Double(bytes)) }
}
