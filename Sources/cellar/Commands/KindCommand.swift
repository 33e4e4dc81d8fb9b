import ArgumentParser
import Catalog
import CellarKit

struct KindCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kind", abstract: "Find kinds of particles that look alike, and name them.",
        discussion: """
            Particles are described by numbers that do not change when they turn (the step descriptors). Kinds are groups of them over the \
            whole collection; how many there are is chosen by what is stable. What is unlike all is of kind 0. They are kept as a model that \
            measure-picks.kinds of the recipe names: new tomograms are given the same kinds, until you find them again.

            cellar kind find
            cellar run
            cellar kind list
            cellar kind name 2 ribosome
            cellar stats kinds
            cellar kind teach ribosome
            """,
        subcommands: [Find.self, List.self, Name.self, Merge.self, Split.self, Teach.self])

    struct Find: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find kinds among the particles of the collection, and give each particle one in the next run.",
            discussion: "Kinds that are known keep their numbers and names: those with which they share the most particles.")

        @Option(
            name: .customLong("where"),
            help: ArgumentHelp(
                "Only among those for which an SQL expression over the columns of v_object, as the step pick gives them, is true, such as \"confidence > 0.9\".",
                valueName: "sql"))
        var expression: String?

        @Option(help: "The most components of the mixture, and so the most kinds.")
        var most: WholeNumber<1, 64> = 12

        @Option(help: "Of random starts.")
        var seed: UInt64 = 0

        @Flag(
            name: .long, help: "Show what each number of components of the mixture was worth.")
        var trials = false

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let found = try project.findKinds(where: expression, most: most.value, seed: seed)
            if trials {
                for trial in found.trials {
                    print(
                        "\(trial.count) components: \(trial.kinds) kinds, stability \(rounded(trial.stability)), criterion "
                            + "\(rounded(trial.informationCriterion))")
                }
            }
            let known = found.numbers.filter { !found.new.contains($0) }
            print(
                "\(found.model): \(found.numbers.count) \(found.numbers.count == 1 ? "kind" : "kinds") of \(found.particles) particles in "
                    + "\(found.tomograms) \(found.tomograms == 1 ? "tomogram" : "tomograms")"
                    + (known.isEmpty ? "" : ", known \(Self.list(known))")
                    + (found.new.isEmpty ? "" : ", new \(Self.list(found.new))"))
            if found.others > 0 {
                note(
                    "\(found.others == 1 ? "One tomogram was" : "\(found.others) tomograms were") left out, described in another way or "
                        + "picked anew since; `cellar run` describes what is there now")
            }
            note("`cellar run` gives each particle its kind; `cellar kind list` shows them then.")
        }

        private func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

        private static func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ", ") }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List kinds, and how many particles there are of each.")

        @OptionGroup var formatOptions: FormatOptions
        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let catalog = try catalogOptions.open().catalog
            try printQuery(
                """
                SELECT number, name, objects, tomograms, round(certainty, 3) AS certainty, round(diameter_nm, 1) AS diameter_nm
                FROM v_kind ORDER BY number
                """, parameters: [:], format: formatOptions.format, connection: QueryConnection(catalog))
        }
    }

    struct Name: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a kind a name, or take it away.",
            discussion:
                "Nothing is computed again. Two kinds of one name are one to people: questions by kind_name count them together.")

        @Argument(help: "The number of the kind.")
        var number: WholeNumber<1, 1_000_000>

        @Argument(help: "Its name; without one, it has none.")
        var name: String?

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try catalogOptions.open().catalog.collection.nameKind(number.value, name)
            print("kind \(number.value): \(name ?? "no name")")
        }
    }

    struct Merge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make several kinds one, in the next run.", discussion: "It has the first number, and that one's name.")

        @Argument(help: "The number that stays.")
        var number: WholeNumber<1, 1_000_000>

        @Argument(help: "The numbers of kinds that become the same.")
        var numbers: [WholeNumber<1, 1_000_000>]

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            try catalogOptions.open().mergeKinds([number.value] + numbers.map(\.value))
            note("`cellar run` gives each particle its kind.")
        }
    }

    struct Split: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a kind two, in the next run.",
            discussion:
                "What was merged comes apart again, the least part first; else its particles are taken apart by how they look. The larger part keeps the number."
        )

        @Argument(help: "The number of the kind.")
        var number: WholeNumber<1, 1_000_000>

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let new = try catalogOptions.open().splitKind(number.value)
            print("kind \(number.value): split, new \(new)")
            note("`cellar run` gives each particle its kind.")
        }
    }

    struct Teach: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make named kinds classes that networks learn: each of their particles is added to the class of that name.",
            discussion: """
                As by `cellar curate --add`, but where somebody judged a particle of the class there before: what is rejected stays rejected. \
                `cellar curate --remove` takes single ones back. The picker learns classes that train-particles.classes of the recipe names, with \
                train-particles.radius, since verdicts have none; the command says which.

                cellar kind teach
                cellar kind teach ribosome --certainty 0.9
                """)

        @Argument(help: "Names of kinds; all that have one, if not given.")
        var names: [String] = []

        @Option(
            help: ArgumentHelp("Only particles that are of their kind with at least this certainty, 0 to 1.", valueName: "number")
        )
        var certainty: RealNumber<Confidence>?

        @OptionGroup var catalogOptions: CatalogOptions

        func run() throws {
            let project = try catalogOptions.open()
            let taught = try project.teachKinds(names, leastCertainty: certainty?.value ?? 0)
            for (name, records) in taught.verdicts.sorted(by: { $0.key < $1.key }) {
                let tomograms = Set(records.map(\.tomogramId)).count
                print(
                    "\(name): added \(records.count) \(records.count == 1 ? "particle" : "particles") of \(tomograms) "
                        + (tomograms == 1 ? "tomogram" : "tomograms"))
            }
            if taught.count == 0 { print("nothing to add: there is no such particle that nobody judged") }
            if taught.others > 0 {
                note(
                    "\(taught.others == 1 ? "One tomogram was" : "\(taught.others) tomograms were") left out, whose particles have not the kinds "
                        + "of today; `cellar run` gives each particle its kind")
            }
            let classes = taught.radiiInAngstroms.sorted { $0.key < $1.key }
            guard let largest = classes.map(\.value).max(), let least = classes.map(\.value).min() else { return }
            let names = classes.map(\.key).joined(separator: ",")
            note(
                "`cellar recipe set train-particles.classes=\(names) train-particles.radius=\(Int(largest.rounded()))` has the picker "
                    + "learn \(classes.count == 1 ? "it" : "them")\(largest > 1.2 * least ? "; one radius is for all" : "").")
        }
    }
}
