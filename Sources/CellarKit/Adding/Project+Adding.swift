import Basics
public import Catalog
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
