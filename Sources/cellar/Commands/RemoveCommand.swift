import ArgumentParser
import CellarKit

struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove", abstract: "Take tomograms, datasets, annotations or slabs out of the catalog.",
        discussion: """
            Files are left alone. What was computed no longer stands, and is kept: it is found again should the same come back; `cellar gc \
            --removed --apply` drops it. A member of a training set is removed after the set. Without --apply nothing is changed.

            cellar remove tomograms --where "dataset = 'pombe' AND name = 'TS_0008'"
            cellar remove datasets --where "name = 'trial'" --apply
            """)

    /// What can be removed.
    enum Subject: String, CaseIterable, ExpressibleByArgument {
        case tomograms, datasets, annotations, slabs

        var kind: Catalog.Removable {
            switch self {
            case .tomograms: .tomograms
            case .datasets: .datasets
            case .annotations: .annotations
            case .slabs: .slabs
            }
        }
    }

    @Argument(help: "tomograms, datasets, annotations, or slabs.")
    var subject: Subject

    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Which: an SQL expression over the columns of v_tomogram, v_dataset, v_annotation or v_slab; 1 for all.",
            valueName: "sql"))
    var expression: String

    @Flag(help: "Remove them.")
    var apply = false

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let catalog = try catalogOptions.open().catalog
        let kind = subject.kind
        let ids = try QueryConnection(catalog).ids(in: kind.view, where: expression)
        guard !ids.isEmpty else { return print("There are no \(subject.rawValue) for which that is true.") }
        let removal = try catalog.collection.removal(of: kind, ids: ids)
        if apply { try catalog.collection.remove(kind, ids: ids) }
        let parts = [
            (removal.datasets, "dataset"), (removal.tomograms, "tomogram"), (removal.annotations, "annotation"),
            (removal.slabs, "slab"),
        ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)\($0.0 == 1 ? "" : "s")" }
        print("\(apply ? "removed" : "would be removed"): \(parts.joined(separator: ", "))")
        print("\(removal.results) results no longer stand\(apply ? "" : " then"); they are kept, and found again")
        if !apply { note("nothing was changed; --apply does it") }
    }
}
