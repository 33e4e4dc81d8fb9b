import ArgumentParser
import CellarKit
import Foundation

struct SlabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slab", abstract: "Pick the slices from which Cellar learns.",
        discussion: """
            A slab is a contiguous range of slices of one tomogram, counted from 0. A few slabs in a few representative \
            tomograms are enough.
            """,
        subcommands: [Add.self, List.self, Remove.self, Suggest.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a slab.")

        @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
        var tomogram: String

        @Option(help: ArgumentHelp("Its slices: the first, and the one after the last.", valueName: "first..<end"))
        var z: SliceRange

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            guard let id = try catalog.collection.tomogram(named: tomogram).id else { return }
            let slab = try catalog.collection.addSlab(tomogramID: id, z: z.range)
            print("slab \(slab.id ?? 0): \(tomogram), slices \(slab.zFirst)..<\(slab.zEnd)")
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List slabs.")

        @Option(name: .customLong("where"), help: ArgumentHelp("An SQL expression over the columns of v_slab.", valueName: "sql"))
        var expression: String?

        @OptionGroup var formatOptions: FormatOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try printView(
                "v_slab", columns: "id, dataset, tomogram, z_first, z_end, slices", where: expression,
                format: formatOptions.format, in: catalogOptions.open().catalog)
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove slabs; what was computed for them is kept and found again should they come back.")

        @Argument(help: "Slabs by their ids, as `cellar slab list` shows them: N or id:N.")
        var ids: [ItemNumber]

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try catalogOptions.open().catalog.collection.remove(.slabs, ids: ids.map(\.id))
            print("removed \(ids.count) slab\(ids.count == 1 ? "" : "s")")
        }
    }

    struct Suggest: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Suggest slabs in tomograms that differ most from one another.",
            discussion: """
                Tomograms are compared by what `describe` measured (mean, spread and range of density, size). The first is the \
                most typical one; each further one is the least like those before it. The slab lies in the middle: \
                of the sample, where `extent` has found its surfaces; then it is said whether the slab shows one.
                """)

        @OptionGroup var selectionOptions: SelectionOptions

        @Option(help: "How many slabs.")
        var count: WholeNumber<1, 1_000_000> = 3

        @Option(help: "How many slices each; fewer where the tomogram or the sample is thin.")
        var slices: WholeNumber<1, 1_000_000> = 100

        @Flag(help: "Add them, instead of only saying which.")
        var add = false

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let catalog = project.catalog
            let suggestions = try project.suggestSlabs(
                count: count.value, slices: slices.value, selection: selectionOptions.tomograms(of: project))
            if suggestions.isEmpty { note("there is no described tomogram to choose from; `cellar run --until describe` first") }
            for suggestion in suggestions {
                let range = "\(suggestion.z.lowerBound)..<\(suggestion.z.upperBound)"
                if add {
                    let slab = try catalog.collection.addSlab(tomogramID: suggestion.tomogramID, z: suggestion.z)
                    print("slab \(slab.id ?? 0): \(suggestion.tomogram), slices \(range)")
                } else {
                    print("cellar slab add '\(suggestion.tomogram)' --z '\(range)'   # \(suggestion.reason)")
                }
            }
        }
    }
}
