import ArgumentParser
import CellarKit

struct TrainingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training", abstract: "Say what networks are trained on.",
        discussion: """
            A training set is a choice of slabs, or of annotations, that never changes once it is made. One set is current: \
            `cellar run` trains on it, and segments every tomogram with what was trained on it. What was trained on other sets \
            is kept, and found again when they are used again.
            """,
        subcommands: [Add.self, List.self, Use.self, Remove.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a training set of the slabs, or annotations, that there are now.",
            discussion: "The first one becomes current; `cellar training use` chooses another.")

        @Argument(help: "What to call it.")
        var name: String

        @Option(
            name: .customLong("where"),
            help: ArgumentHelp(
                "Only slabs for which this is true: an SQL expression over the columns of v_slab, or of v_annotation with "
                    + "--annotations, and those of v_tomogram, such as \"dataset = 'pombe' AND voxel_size < 14\".",
                valueName: "sql"))
        var expression: String?

        @Flag(help: "Choose among annotations instead of slabs.")
        var annotations = false

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            let ids = try QueryConnection(catalog).ids(
                in: annotations ? Self.annotationView : Self.slabView, where: expression ?? "1")
            let set = try catalog.collection.addTrainingSet(
                named: name, slabs: annotations ? [] : ids, annotations: annotations ? ids : [], selection: expression)
            let noun = annotations ? "annotation" : "slab"
            print("training set \(name): \(ids.count) \(noun)\(ids.count == 1 ? "" : "s")\(set.isCurrent ? ", current" : "")")
            if !set.isCurrent { note("another set is current; `cellar training use \(name)` trains on this one") }
        }

        /// The columns of v_tomogram that the views of its parts do not have.
        private static let tomogramColumns = [
            "name", "format", "scalar_type", "size_x", "size_y", "size_z", "voxel_size", "voxel_size_y", "voxel_size_z",
            "voxel_size_source", "header_voxel_size", "density_min", "density_max", "density_mean", "density_std",
            "voxel_digest", "slabs", "annotations", "meta", "metadata_voxel_size", "folder_voxel_size",
        ]

        private static func view(_ parts: String, and columns: [String]) -> String {
            let joined = (tomogramColumns + columns).map { "tomogram_of_it.\($0)" }.joined(separator: ", ")
            return "(SELECT part.*, \(joined) FROM \(parts) AS part JOIN v_tomogram AS tomogram_of_it "
                + "ON tomogram_of_it.id = part.tomogram_id)"
        }

        static let slabView = view("v_slab", and: ["path", "member", "added_at"])
        static let annotationView = view("v_annotation", and: [])
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List training sets.")

        @OptionGroup var formatOptions: FormatOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try printView(
                "v_training_set", columns: "id, name, is_current, slabs, annotations, tomograms, selection, created_at",
                where: nil,
                format: formatOptions.format, in: catalogOptions.open().catalog)
        }
    }

    struct Use: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a training set the current one.",
            discussion: "What was trained on the one before is kept. `cellar run` trains on this one, and segments anew.")

        @Argument(help: "A training set: its name, or id:N.")
        var name: String

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let set = try catalogOptions.open().catalog.collection.useTrainingSet(named: name)
            print("training set \(set.name) is current")
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a training set; what was trained on it is kept and found again by a set of the same members.")

        @Argument(help: "A training set: its name, or id:N.")
        var name: String

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            let set = try catalog.collection.removeTrainingSet(named: name)
            print("removed the training set \(set.name)")
            if try catalog.collection.currentTrainingSet() == nil, try !catalog.collection.trainingSets().isEmpty {
                note("no training set is current now; `cellar training use NAME` chooses one")
            }
        }
    }
}
