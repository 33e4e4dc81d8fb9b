import ArgumentParser
import CellarKit
import Foundation

struct AddCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Add tomograms to a dataset, or change what is known of them.",
        discussion: """
            Files stay where they are and are never changed. A tomogram's name is the stem of its file. Adding a tomogram \
            again changes its voxel size or metadata; one whose file was moved is found by its name.

            Reads MRC (.mrc .rec .map .st, plain or gzip), TIFF stacks, HDF5 datasets (file.h5:/path) and OME-Zarr (zarr v2).
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

    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if name != nil, paths.count != 1 { throw ValidationError("--name needs exactly one path.") }
        for size in [voxelSize, datasetVoxelSize].compactMap(\.self) where VoxelSize(cubicInAngstroms: size) == nil {
            throw ValidationError("A voxel size of \(size) Å is not plausible: it lies between 0.01 and 10000.")
        }
        _ = try parsedMetadata()
    }

    func run() throws {
        let catalog = try catalogOptions.open().catalog
        let metadata = try parsedMetadata()
        var tomograms: [NewTomogram] = []
        var failures = 0
        for path in paths {
            do {
                tomograms.append(try read(path, metadata: metadata))
            } catch {
                note("cellar: \(error.sentence)")
                failures += 1
            }
        }
        let outcomes =
            tomograms.isEmpty ? [] : try catalog.add(tomograms, dataset: dataset, defaultVoxelSizeInAngstroms: datasetVoxelSize)
        for outcome in [NewTomogram.Outcome.added, .updated, .relocated, .unchanged] {
            let count = outcomes.count { $0.outcome == outcome }
            if count > 0 { print("\(outcome): \(count) tomogram\(count == 1 ? "" : "s") in \(dataset)") }
        }
        let unknown = tomograms.filter { $0.headerVoxelSize == nil && $0.userVoxelSize == nil }.count
        if unknown > 0, datasetVoxelSize == nil {
            note("\(unknown) without a plausible voxel size in the header; `cellar doctor` lists them, --voxel-size gives it")
        }
        if failures > 0 {
            note("cellar: \(failures) of \(paths.count) could not be read and were not added")
            throw ExitCode(1)
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

    private func read(_ path: String, metadata: [String: String]) throws -> NewTomogram {
        let parsed = VolumeLocation(parsing: path)
        let location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
        let volume = try location.open()
        for remark in volume.header.notes { note("\(path): \(remark)") }
        return NewTomogram(
            name: name ?? Self.stem(of: location), location: location, format: volume.header.format,
            scalarType: volume.scalarType, shape: volume.shape, headerVoxelSize: volume.header.voxelSize,
            userVoxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) }, metadata: metadata)
    }

    /// The file's name without folders and known extensions; a member that is no plain number is added.
    static func stem(of location: VolumeLocation) -> String {
        var name = URL(fileURLWithPath: location.path).lastPathComponent
        for suffix in [
            ".gz", ".mrc", ".rec", ".map", ".st", ".ali", ".ccp4", ".tif", ".tiff", ".h5", ".hdf5", ".hdf", ".ome.zarr", ".zarr",
        ]
        where name.lowercased().hasSuffix(suffix) && name.count > suffix.count {
            name.removeLast(suffix.count)
            if suffix != ".gz" { break }
        }
        guard let member = location.member else { return name }
        return name + "-" + member.split(separator: "/").joined(separator: "-")
    }
}
