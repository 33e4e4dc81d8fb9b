import ArgumentParser
import CellarKit

struct CurateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "curate", abstract: "Reject, accept and add single particles.",
        discussion: """
            What is rejected or accepted is the nearest particle of the class in whose ball the place lies, of those that were \
            found or added. Verdicts are positions in voxels, with who said so and when; they are not lost when particles are \
            found anew, and move with the densities when a voxel size is mended. Of several on one particle the last one counts.

            cellar curate TS_0008 --reject --class ribosome --at 120,310,64
            cellar curate TS_0008 --add --class ribosome --at 88.5,204,61
            cellar curate TS_0008 --accept --class ribosome --at 1620,4185,864 --angstrom
            cellar curate TS_0008 --accept-above 0.95 --class ribosome
            cellar curate TS_0008 --list
            cellar curate --remove 12

            `cellar export points` leaves out what is rejected and writes what was added. Where the tomogram is in the current \
            training set, the picker learns from both: train-particles.curation of the recipe says how, and `cellar why` names \
            what changed.
            """)

    /// What is said of a particle.
    enum Judgement: String, EnumerableFlag {
        case reject, accept, add

        var verdict: CurationRecord.Verdict {
            switch self {
            case .reject: .rejected
            case .accept: .accepted
            case .add: .added
            }
        }

        static func help(for value: Judgement) -> ArgumentHelp? {
            switch value {
            case .reject: "What was found there is no particle of the class."
            case .accept: "What was found there is one."
            case .add: "There is one, which was not found."
            }
        }
    }

    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var tomogram: String?

    @Flag var judgement: Judgement?

    @Option(name: .customLong("class"), help: ArgumentHelp("The class of the particle.", valueName: "name"))
    var className: String?

    @Option(
        help: ArgumentHelp("Where the particle is, in voxels from the centre of the first one.", valueName: "x,y,z"))
    var at: PositionText?

    @Flag(help: "--at is in Å, by the tomogram's voxel size.")
    var angstrom = false

    @Option(
        help: ArgumentHelp(
            "Accept all particles of the class that have at least this confidence, 0 to 1, and were not judged yet.",
            valueName: "number"))
    var acceptAbove: RealNumber<Confidence>?

    @Flag(help: "List the verdicts, of the tomogram or all; those that a later one replaced do not count.")
    var list = false

    @Option(
        help: ArgumentHelp(
            "Remove a verdict by its id, as --list shows it: N or id:N; any number of times. What it replaced counts again.",
            valueName: "id"))
    var remove: [ItemNumber] = []

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        let tasks = [judgement != nil, acceptAbove != nil, list, !remove.isEmpty].count { $0 }
        guard tasks == 1 else {
            throw ValidationError(
                "There is nothing to do, or more than one thing; "
                    + "give one of --reject, --accept, --add, --accept-above, --list and --remove.")
        }
        if judgement != nil {
            guard tomogram != nil, className != nil, at != nil else {
                throw ValidationError(
                    "A particle has a tomogram, a class and a place; give the tomogram, --class and --at x,y,z.")
            }
        } else if at != nil || angstrom {
            throw ValidationError("--at and --angstrom go with --reject, --accept and --add; leave them out.")
        }
        if acceptAbove != nil, tomogram == nil || className == nil {
            throw ValidationError("--accept-above needs a tomogram and a --class; give both.")
        }
        if !remove.isEmpty, tomogram != nil || className != nil {
            throw ValidationError("--remove takes ids alone, which are of one verdict each; leave out the tomogram and --class.")
        }
    }

    func run() throws {
        let project = try catalogOptions.open()
        if let judgement, let tomogram, let className, let at {
            let place: CurationPlace = angstrom ? .angstroms(at.position) : .voxels(at.position)
            let record = try project.curate(tomogram, judgement.verdict, class: className, at: place)
            let score = record.score.map { ", confidence \($0)" } ?? ""
            print(
                "verdict \(record.id ?? 0): \(record.class) of \(tomogram) at (\(record.x), \(record.y), \(record.z)) "
                    + "\(record.verdict.rawValue)\(score)")
        } else if let acceptAbove, let tomogram, let className {
            let records = try project.acceptAll(tomogram, class: className, above: acceptAbove.value)
            let ids = records.compactMap(\.id)
            let range = ids.first.flatMap { first in
                ids.last.map { first == $0 ? ": verdict \(first)" : ": verdicts \(first) to \($0)" }
            }
            print("accepted \(records.count) particles of class \(className) of \(tomogram)\(range ?? "")")
        } else if list {
            try printVerdicts(of: project)
        } else {
            try project.removeCuration(remove.map(\.id))
            print("removed \(remove.count) verdict\(remove.count == 1 ? "" : "s")")
        }
    }

    private func printVerdicts(of project: Project) throws {
        var (conditions, parameters): ([String], [String: QueryValue]) = ([], [:])
        if let tomogram {
            conditions.append("tomogram_id = :tomogram")
            parameters["tomogram"] = .integer(try project.catalog.collection.tomogram(named: tomogram).requiredID)
        }
        if let className {
            conditions.append("class = :class")
            parameters["class"] = .text(className)
        }
        let selection = conditions.isEmpty ? nil : conditions.joined(separator: " AND ")
        try printQuery(
            QueryConnection.select(
                columns: "id, dataset, tomogram, class, x, y, z, verdict, score, author, curated_at, counts", from: "v_curation",
                where: selection), parameters: parameters, format: formatOptions.format,
            connection: QueryConnection(project.catalog))
    }
}

/// A position as people write it: `120,310.5,64`.
struct PositionText: ExpressibleByArgument {
    let position: SIMD3<Double>

    init?(argument: String) {
        let axes = argument.split(separator: ",", omittingEmptySubsequences: false).compactMap {
            Double($0.trimmingPrefix(while: \.isWhitespace))
        }
        guard axes.count == 3, axes.allSatisfy(\.isFinite), argument.count(where: { $0 == "," }) == 2 else { return nil }
        position = SIMD3(axes[0], axes[1], axes[2])
    }

    static var allValueStrings: [String] { ["x,y,z, three numbers"] }
}
