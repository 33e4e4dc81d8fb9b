import ArgumentParser
import CellarKit
import Foundation

struct AddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add tomograms to a dataset, or change what is known of them.",
        discussion: """
            Files stay where they are and are never changed. A tomogram's name is the stem of its file. Where files of several \
            folders have one name, --name-from tells them apart by {stem}, {parent} and {grandparent} (the folders above), {dataset} \
            and {member}.

            cellar add */100/*.mrc */101/*.mrc --dataset portal --name-from '{grandparent}_{parent}_{stem}'
            cellar add tomograms --recursive --dataset lab
            cellar add --manifest tomograms.csv
            cellar add --copick config.json --dataset chlamy --tomogram-type wbp --voxel-spacing 7.84
            cellar add --portal 10301 --dataset chlamy --radius 'cytosolic ribosome=125'

            Adding a tomogram again changes its voxel size or metadata, and its name where one is given; one whose file was moved \
            is found by its name. Where a file cannot be read, or its name is taken, nothing is added; --keep-going adds the others. \
            --dry-run says what would be added.

            A table (CSV) has a column path, relative to its folder, and perhaps name, dataset and voxel_size; others are metadata. \
            A copick project and a folder of the CryoET Data Portal, which is known by its layout also without --portal, come with \
            their annotations. Tomograms are named by their run there, with type, spacing or number where a run has several. Voxel \
            sizes in documents and names of folders (VoxelSpacing13.480) count where neither header nor user gives one.

            Reads MRC (.mrc .rec .map .st, plain or gzip), TIFF stacks, HDF5 datasets (file.h5:/path) and OME-Zarr.
            """)

    @Argument(help: "Files, HDF5 datasets as file.h5:/path, OME-Zarr folders, folders of the CryoET Data Portal.")
    var paths: [String] = []

    @Option(help: "The dataset they belong to; made where there is none of that name.")
    var dataset: String?

    @Option(help: ArgumentHelp("A table of tomograms.", valueName: "file.csv"))
    var manifest: String?

    @Option(help: ArgumentHelp("The configuration of a copick project on disk.", valueName: "config.json"))
    var copick: String?

    @Option(help: ArgumentHelp("Only these runs of the copick project, with commas between them.", valueName: "names"))
    var runs: String?

    @Option(help: "Only tomograms of this voxel spacing in Å of the copick project.")
    var voxelSpacing: Double?

    @Option(help: ArgumentHelp("Only tomograms of this type of the copick project, such as wbp.", valueName: "type"))
    var tomogramType: String?

    @Option(
        help: ArgumentHelp(
            "Only picks and segmentations of these users of the copick project, with commas between them; all but "
                + "\(CopickSession().userID), if not given.", valueName: "names"))
    var users: String?

    @Option(
        help: ArgumentHelp("A folder in the layout of the CryoET Data Portal: a run, a dataset, or several.", valueName: "folder")
    )
    var portal: String?

    @Flag(help: "Of folders, add the volumes in them and below.")
    var recursive = false

    @Option(help: "The voxel size in Å. Overrules what headers say.")
    var voxelSize: Double?

    @Option(help: "The voxel size in Å of tomograms of the dataset about which nothing else is known.")
    var datasetVoxelSize: Double?

    @Option(name: .customLong("meta"), help: ArgumentHelp("Metadata, any number of times.", valueName: "key=value"))
    var metadata: [String] = []

    @Option(help: "The name of the tomogram, where there is only one path.")
    var name: String?

    @Option(
        help: ArgumentHelp("How names follow from paths, such as '{parent}_{stem}'.", valueName: "pattern"),
        transform: AddCommand.pattern)
    var nameFrom: NamePattern?

    @Option(
        help: ArgumentHelp(
            "The radius in Å of particles that are annotated, any number of times; overrules what the collection says.",
            valueName: "[class=]Å"))
    var radius: [ClassRadius] = []

    @Flag(name: .customLong("no-annotations"), help: "Leave out the annotations that the collection has.")
    var leavesOutAnnotations = false

    @Flag(help: "Add volumes of which chunks are missing: they are meant to be the fill value, most often 0.")
    var allowMissing = false

    @Flag(help: "Leave out, and report, what the dataset has already, by its file or by its name.")
    var skipExisting = false

    @Flag(help: "Add the others where one cannot be added; the exit code is 1 all the same.")
    var keepGoing = false

    @Flag(help: "Say what would be added, changed and refused, and write nothing.")
    var dryRun = false

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        let sources = [!paths.isEmpty, manifest != nil, copick != nil, portal != nil].count { $0 }
        guard sources == 1 else {
            throw ValidationError(
                "There is no source, or more than one; give paths, or one of --manifest, --copick and --portal.")
        }
        if dataset == nil, manifest == nil {
            throw ValidationError("Missing expected argument '--dataset <dataset>'; name the dataset they belong to.")
        }
        if copick == nil, runs != nil || voxelSpacing != nil || tomogramType != nil || users != nil {
            throw ValidationError(
                "--runs, --voxel-spacing, --tomogram-type and --users go with --copick; leave them out, or give it.")
        }
        if recursive, paths.isEmpty { throw ValidationError("--recursive goes with paths; leave it out, or give folders.") }
        if name != nil, paths.count != 1 {
            throw ValidationError("--name needs exactly one path; give one, or name several by --name-from.")
        }
        if name != nil, nameFrom != nil {
            throw ValidationError("--name and --name-from exclude each other; give one of them.")
        }
        for size in [voxelSize, datasetVoxelSize, voxelSpacing].compactMap(\.self) where VoxelSize(cubicInAngstroms: size) == nil
        {
            throw ValidationError("A voxel size of \(size) Å is not plausible; give 0.01 to 10000.")
        }
        _ = try parsedMetadata()
    }

    func run() throws {
        let line = progressOptions.line("add")
        let added = try catalogOptions.open().add(source, addition()) { done, total in
            line.show(ProgressReport(done: done, of: total, what: "headers"))
        }
        line.clear()
        report(added)
        guard added.refusals.isEmpty else {
            note(
                "cellar: \(added.refusals.count) of \(max(added.candidates, added.refusals.count)) cannot be added"
                    + (keepGoing ? "" : ", so that nothing was; --keep-going adds the others"))
            throw ExitCode(1)
        }
    }

    private var source: TomogramSource {
        if let manifest { return .manifest(manifest) }
        if let portal { return .portal(portal) }
        guard let copick else { return .paths(paths, isRecursive: recursive) }
        var selection = CopickSelection(configuration: copick)
        (selection.runs, selection.users) = (Self.words(runs), Self.words(users))
        (selection.voxelSpacingInAngstroms, selection.tomogramType) = (voxelSpacing, tomogramType)
        return .copick(selection)
    }

    private func addition() throws -> TomogramAddition {
        var addition = TomogramAddition(dataset: dataset)
        (addition.name, addition.pattern) = (name, nameFrom)
        addition.voxelSize = voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) }
        addition.datasetVoxelSizeInAngstroms = datasetVoxelSize
        addition.metadata = try parsedMetadata()
        for item in radius {
            if let name = item.className {
                addition.radii.byClassInAngstroms[name] = item.radiusInAngstroms
            } else {
                addition.radii.ofAllInAngstroms = item.radiusInAngstroms
            }
        }
        (addition.takesAnnotations, addition.allowsMissingChunks) = (!leavesOutAnnotations, allowMissing)
        (addition.skipsExisting, addition.keepsGoing, addition.isDryRun) = (skipExisting, keepGoing, dryRun)
        return addition
    }

    // MARK: What was added

    /// How many sentences of one kind are shown: thousands of files often have the same oddity.
    private static let sentenceLimit = 40

    private func report(_ added: AddedTomograms) {
        Self.show(added.skipped.map { "skipped \($0)" }, noun: "skipped")
        Self.show(added.remarks, noun: "remarks")
        Self.show(added.refusals.map { "cellar: \($0)" }, noun: "refused")
        if dryRun {
            for item in added.items {
                let annotations = item.annotations > 0 ? ", \(Self.count(item.annotations, "annotation"))" : ""
                print("would be \(item.outcome): \(item.dataset)/\(item.name) (\(item.label))\(annotations)")
            }
        }
        for dataset in Set(added.items.map(\.dataset)).sorted() {
            let items = added.items.filter { $0.dataset == dataset }
            for outcome in [NewTomogram.Outcome.added, .updated, .relocated, .unchanged] {
                let count = items.count { $0.outcome == outcome }
                if count > 0 { print("\(dryRun ? "would be " : "")\(outcome): \(Self.count(count, "tomogram")) in \(dataset)") }
            }
            let annotations = items.reduce(0) { $0 + $1.annotations }
            if annotations > 0 {
                print("\(dryRun ? "would be " : "")annotated: \(Self.count(annotations, "annotation")) in \(dataset)")
            }
        }
        if added.withoutVoxelSize > 0, datasetVoxelSize == nil {
            note(
                "\(added.withoutVoxelSize) without a plausible voxel size in the header; `cellar doctor` lists them, --voxel-size gives it"
            )
        }
        if !added.skipped.isEmpty {
            print("skipped: \(Self.count(added.skipped.count, "tomogram"))\(dataset.map { " in \($0)" } ?? "")")
        }
    }

    private static func show(_ sentences: [String], noun: String) {
        for sentence in sentences.prefix(sentenceLimit) { note(sentence) }
        if sentences.count > sentenceLimit { note("… and \(sentences.count - sentenceLimit) more \(noun)") }
    }

    private static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private static func words(_ text: String?) -> [String] {
        (text ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    private static func pattern(_ text: String) throws -> NamePattern {
        do {
            return try NamePattern(parsing: text)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func parsedMetadata() throws -> [String: String] {
        var result: [String: String] = [:]
        for item in metadata {
            guard let equals = item.firstIndex(of: "="), equals != item.startIndex else {
                throw ValidationError("--meta \(item) has no key; write --meta key=value.")
            }
            result[String(item[..<equals])] = String(item[item.index(after: equals)...])
        }
        return result
    }
}

/// The radius of particles, of all classes or of one: `125`, `ribosome=125`.
struct ClassRadius: ExpressibleByArgument {
    let className: String?
    let radiusInAngstroms: Double

    init?(argument: String) {
        let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
        // A class may have a `=` in its name.
        guard let last = parts.last, let radius = RealNumber<ParticleRadius>(argument: String(last)) else { return nil }
        let name = parts.dropLast().joined(separator: "=")
        if parts.count > 1, name.isEmpty { return nil }
        (className, radiusInAngstroms) = (parts.count > 1 ? name : nil, radius.value)
    }
}
