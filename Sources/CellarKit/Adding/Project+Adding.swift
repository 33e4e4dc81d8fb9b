import Basics
public import Catalog
import CatalogSchema
import Foundation
public import Volumes

/// How files are added to a dataset as tomograms.
public struct TomogramAddition: Sendable {
    /// The dataset; made where there is none of that name.
    public var dataset: String
    /// The name of the tomogram, where there is one file; nil to make it from the path.
    public var name: String?
    /// How names follow from paths; nil for the stem of the file.
    public var pattern: NamePattern?
    /// The voxel size that overrules what headers say.
    public var voxelSize: VoxelSize?
    /// The voxel size, in Å, of the dataset's tomograms about which nothing else is known.
    public var datasetVoxelSizeInAngstroms: Double?
    public var metadata: [String: String] = [:]
    /// Whether files are left out that the dataset has already, by their place or by their name.
    public var skipsExisting = false
    /// Whether the others are added where one cannot be.
    public var keepsGoing = false

    public init(dataset: String) { self.dataset = dataset }
}

/// What an addition did.
public struct AddedTomograms: Sendable {
    /// For each tomogram that was added: what that did. Empty where nothing was added.
    public fileprivate(set) var outcomes: [NewTomogram.Outcome] = []
    /// The number of added tomograms about whose voxel size neither the header nor the user says anything.
    public fileprivate(set) var withoutVoxelSize = 0
    /// Why files were left out, a sentence each.
    public fileprivate(set) var skipped: [String] = []
    /// What readers found odd in files, a sentence each.
    public fileprivate(set) var remarks: [String] = []
    /// Why files could not be added, a sentence each.
    public fileprivate(set) var refusals: [String] = []
}

extension Project {
    /// Adds files to a dataset as tomograms: all of them or none, unless the addition keeps going.
    ///
    /// The files stay where they are and are never changed. Of each, the header is read.
    ///
    /// - Parameter paths: files, HDF5 datasets as `file.h5:/path`, OME-Zarr folders.
    /// - Throws: ``CatalogError`` where the catalog cannot be read or written. What is wrong with a file is a refusal, and no error.
    public func add(_ paths: [String], _ addition: TomogramAddition) throws -> AddedTomograms {
        let files = NewFiles(
            try catalog.collection.tomograms(inDataset: addition.dataset), name: addition.name, pattern: addition.pattern,
            dataset: addition.dataset
        ).sort(paths, skippingExisting: addition.skipsExisting)
        var added = AddedTomograms()
        (added.skipped, added.refusals) = (files.skipped, files.refusals)
        var tomograms: [NewTomogram] = []
        for file in files.files {
            do {
                let volume = try file.location.open()
                added.remarks += volume.header.notes.map { "\(file.path): \($0)" }
                tomograms.append(
                    NewTomogram(
                        name: file.name, location: file.location, format: volume.header.format, scalarType: volume.scalarType,
                        shape: volume.shape, headerVoxelSize: volume.header.voxelSize, userVoxelSize: addition.voxelSize,
                        metadata: addition.metadata))
            } catch {
                added.refusals.append(error.sentence)
            }
        }
        // A name that is taken is found by the catalog, which is asked for all of them unless it is clear that nothing is added.
        guard !tomograms.isEmpty, addition.keepsGoing || added.refusals.isEmpty else { return added }
        let results = try catalog.collection.addEach(
            tomograms, dataset: addition.dataset, defaultVoxelSizeInAngstroms: addition.datasetVoxelSizeInAngstroms,
            keepingGoing: addition.keepsGoing)
        for case .failure(let error) in results { added.refusals.append("\(error)") }
        guard addition.keepsGoing || added.refusals.isEmpty else { return added }
        for case (.success(let result), let tomogram) in zip(results, tomograms) {
            added.outcomes.append(result.outcome)
            if tomogram.headerVoxelSize == nil, tomogram.userVoxelSize == nil { added.withoutVoxelSize += 1 }
        }
        return added
    }
}

/// Files that are to become tomograms of a dataset: what each is called, and which of them are there already.
private struct NewFiles {
    struct File {
        /// As it was given.
        let path: String
        let location: VolumeLocation
        let name: String
    }

    /// What is to be done with some paths.
    struct Sorted {
        var files: [File] = []
        /// Why files are left out, a sentence each.
        var skipped: [String] = []
        /// Why files cannot be added, a sentence each.
        var refusals: [String] = []
    }

    private let knownNames: Set<String>
    private let knownLocations: [VolumeLocation: String]
    private let name: String?
    private let pattern: NamePattern?
    private let dataset: String

    /// - Parameters:
    ///   - known: the tomograms of the dataset.
    ///   - name: of the only file; nil where the pattern or the file says it.
    init(_ known: [TomogramRecord], name: String?, pattern: NamePattern?, dataset: String) {
        knownNames = Set(known.map(\.name))
        knownLocations = Dictionary(known.map { ($0.location, $0.name) }, uniquingKeysWith: { first, _ in first })
        self.name = name
        self.pattern = pattern
        self.dataset = dataset
    }

    /// Names the files, each once, and finds those that cannot have the name that they would get.
    func sort(_ paths: [String], skippingExisting: Bool) -> Sorted {
        var sorted = Sorted()
        var seen: Set<VolumeLocation> = []
        for path in paths {
            let parsed = VolumeLocation(parsing: path)
            let location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
            guard seen.insert(location).inserted else { continue }
            do {
                let file = File(path: path, location: location, name: try name(of: location))
                if skippingExisting, let reason = reasonToSkip(file) {
                    sorted.skipped.append(reason)
                } else {
                    sorted.files.append(file)
                }
            } catch {
                sorted.refusals.append("\(error)")
            }
        }
        let clashes = Dictionary(grouping: sorted.files, by: \.name).filter { $1.count > 1 }
        sorted.files.removeAll { clashes[$0.name] != nil }
        for (name, files) in clashes.sorted(by: { $0.key < $1.key }) {
            sorted.refusals += files.map { file in
                let other = files.first { $0.location != file.location }?.path ?? ""
                return "\(file.path) would be named \(name) as \(other) is; --name-from '{parent}_{stem}' tells such files apart"
            }
        }
        return sorted
    }

    /// A file that is known keeps its name, unless another one is given.
    private func name(of location: VolumeLocation) throws -> String {
        try name ?? pattern?.name(of: location, dataset: dataset) ?? knownLocations[location]
            ?? NamePattern.usualName(of: location)
    }

    private func reasonToSkip(_ file: File) -> String? {
        if let known = knownLocations[file.location] { return "\(file.path): it is \(dataset)/\(known) already" }
        return knownNames.contains(file.name) ? "\(file.path): there is a tomogram \(dataset)/\(file.name) already" : nil
    }
}
