import ArgumentParser
import CellarKit
import Foundation

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make an empty catalog.",
        discussion: """
            Makes the folder .cellar with a database, the small models that come with the program (`cellar model list`), and a recipe that \
            uses them and says what every parameter is.
            """)

    @Argument(help: "The folder of the project.")
    var directory = "."

    func run() throws {
        let folder = URL(fileURLWithPath: directory).appending(path: CatalogDirectory.name)
        _ = try Project.create(at: CatalogDirectory(path: folder.path))
        print("Made an empty catalog in \(folder.standardizedFileURL.path)")
        print("Next: cellar add PATH... --dataset NAME")
    }
}

struct AddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add tomograms to a dataset, or change what is known of them.",
        discussion: """
            Files stay where they are and are never changed. A tomogram's name is the stem of its file. Where files of several \
            folders have one name, --name-from tells them apart by {stem}, {parent} and {grandparent} (the folders above), {dataset} \
            and {member}.

            cellar add */100/*.mrc */101/*.mrc --dataset portal --name-from '{grandparent}_{parent}_{stem}'

            Adding a tomogram again changes its voxel size or metadata, and its name where one is given; one whose file was moved \
            is found by its name. Where a file cannot be read, or its name is taken, nothing is added; --keep-going adds the others.

            Reads MRC (.mrc .rec .map .st, plain or gzip), TIFF stacks, HDF5 datasets (file.h5:/path) and OME-Zarr (zarr v2 and v3).
            """)

    @Argument(help: "Files, HDF5 datasets as file.h5:/path, OME-Zarr folders.")
    var paths: [String]

    @Option(help: "The dataset they belong to; made where there is none of that name.")
    var dataset: String

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

    @Flag(help: "Leave out, and report, what the dataset has already, by its file or by its name.")
    var skipExisting = false

    @Flag(help: "Add the others where one cannot be added; the exit code is 1 all the same.")
    var keepGoing = false

    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if name != nil, paths.count != 1 { throw ValidationError("--name needs exactly one path.") }
        if name != nil, nameFrom != nil { throw ValidationError("Give either --name or --name-from.") }
        for size in [voxelSize, datasetVoxelSize].compactMap(\.self) where VoxelSize(cubicInAngstroms: size) == nil {
            throw ValidationError("A voxel size of \(size) Å is not plausible: it lies between 0.01 and 10000.")
        }
        _ = try parsedMetadata()
    }

    func run() throws {
        var addition = TomogramAddition(dataset: dataset)
        (addition.name, addition.pattern) = (name, nameFrom)
        addition.voxelSize = voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) }
        addition.datasetVoxelSizeInAngstroms = datasetVoxelSize
        addition.metadata = try parsedMetadata()
        (addition.skipsExisting, addition.keepsGoing) = (skipExisting, keepGoing)
        let added = try catalogOptions.open().add(paths, addition)
        for skipped in added.skipped { note("skipped \(skipped)") }
        for remark in added.remarks { note(remark) }
        for refusal in added.refusals { note("cellar: \(refusal)") }
        for outcome in [NewTomogram.Outcome.added, .updated, .relocated, .unchanged] {
            let count = added.outcomes.count { $0 == outcome }
            if count > 0 { print("\(outcome): \(Self.count(count)) in \(dataset)") }
        }
        if added.withoutVoxelSize > 0, datasetVoxelSize == nil {
            note(
                "\(added.withoutVoxelSize) without a plausible voxel size in the header; `cellar doctor` lists them, --voxel-size gives it"
            )
        }
        if !added.skipped.isEmpty { print("skipped: \(Self.count(added.skipped.count)) in \(dataset)") }
        guard added.refusals.isEmpty else {
            note(
                "cellar: \(added.refusals.count) of \(paths.count) cannot be added"
                    + (keepGoing ? "" : ", so that nothing was; --keep-going adds the others"))
            throw ExitCode(1)
        }
    }

    private static func count(_ number: Int) -> String { "\(number) tomogram\(number == 1 ? "" : "s")" }

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
