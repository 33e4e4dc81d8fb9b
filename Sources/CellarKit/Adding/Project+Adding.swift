import Basics
public import Catalog
import CatalogSchema
import Foundation
public import Volumes

/// How files are added to a dataset as tomograms.
public struct TomogramAddition: Sendable {
    /// The dataset; made where there is none of that name. Nil where the source names one for each tomogram.
    public var dataset: String?
    /// The name of the tomogram, where there is one file; nil to make it from the path.
    public var name: String?
    /// How names follow from paths; nil for the name that the collection gives, or the stem of the file.
    public var pattern: NamePattern?
    /// The voxel size that overrules what headers say.
    public var voxelSize: VoxelSize?
    /// The voxel size, in Å, of the dataset's tomograms about which nothing else is known.
    public var datasetVoxelSizeInAngstroms: Double?
    /// What else is known of each tomogram: keys and values, as in `v_tomogram.meta`.
    public var metadata: [String: String] = [:]
    /// The radii of particles: they overrule those of the collection.
    public var radii = ParticleRadii()
    /// Whether annotations are added that the collection has for its tomograms.
    public var takesAnnotations = true
    /// Whether volumes are added of which chunks are missing: they are the fill value then.
    public var allowsMissingChunks = false
    /// Whether files are left out that the dataset has already, by their place or by their name.
    public var skipsExisting = false
    /// Whether the others are added where one cannot be.
    public var keepsGoing = false
    /// Whether nothing is written: the result says what would be.
    public var isDryRun = false

    /// An addition to a dataset, with defaults for everything else.
    public init(dataset: String?) { self.dataset = dataset }
}

/// What an addition did, or would do.
public struct AddedTomograms: Sendable {
    /// A tomogram that was added, or that was there.
    public struct Item: Sendable, Hashable {
        /// The dataset that it belongs to.
        public let dataset: String
        /// Its name, unique within the dataset.
        public let name: String
        /// The file, as it was given.
        public let label: String
        /// What adding it did.
        public let outcome: NewTomogram.Outcome
        /// How many annotations it got.
        public let annotations: Int
    }

    /// How many files the source has.
    public fileprivate(set) var candidates = 0
    /// The tomograms. Empty where nothing was added.
    public fileprivate(set) var items: [Item] = []
    /// The number of added tomograms about whose voxel size nothing says anything.
    public fileprivate(set) var withoutVoxelSize = 0
    /// Why files were left out, a sentence each.
    public fileprivate(set) var skipped: [String] = []
    /// What readers found odd in files, a sentence each.
    public fileprivate(set) var remarks: [String] = []
    /// Why files could not be added, a sentence each.
    public fileprivate(set) var refusals: [String] = []

    /// For each tomogram: what adding it did.
    public var outcomes: [NewTomogram.Outcome] { items.map(\.outcome) }
    /// How many annotations all of them got.
    public var annotations: Int { items.reduce(0) { $0 + $1.annotations } }
}

extension Project {
    /// Adds files to a dataset as tomograms; see ``add(_:_:progress:)``.
    ///
    /// - Parameter paths: files, HDF5 datasets as `file.h5:/path`, OME-Zarr folders, folders of the CryoET Data Portal.
    public func add(_ paths: [String], _ addition: TomogramAddition) throws -> AddedTomograms {
        try add(.paths(paths), addition)
    }

    /// Adds files to a dataset as tomograms, with the annotations that their collection has: all of them or none, unless the addition keeps
    /// going.
    ///
    /// The files stay where they are and are never changed. Of each tomogram, the header is read; of annotations, all. The tomograms are
    /// written in one transaction, and then their annotations in another: where it is interrupted between them, adding again completes it.
    ///
    /// - Parameter progress: called now and then with how many headers were read, of how many.
    /// - Throws: `CatalogError` where the catalog, a table or a configuration cannot be read, or the catalog cannot be written. What is
    ///   wrong with a file is a refusal, and no error.
    /// - Complexity: one stat(2) and one reading of the header for each file, on two threads; reads all voxels of label volumes once.
    public func add(
        _ source: TomogramSource, _ addition: TomogramAddition, progress: (_ finished: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> AddedTomograms {
        let found = try source.find(takingAnnotations: addition.takesAnnotations)
        let sorted = try CandidateNames(addition: addition, collection: catalog.collection).sort(found.candidates)
        var added = AddedTomograms()
        added.candidates = found.candidates.count + found.refusals.count
        (added.skipped, added.remarks, added.refusals) = (sorted.skipped, found.remarks, found.refusals + sorted.refusals)
        let headers = CandidateHeaders(addition: addition).read(sorted.named) { progress($0, sorted.named.count) }
        var tomograms: [(named: CandidateNames.Named, tomogram: NewTomogram)] = []
        for (named, header) in zip(sorted.named, headers) {
            switch header {
            case .success(let header):
                tomograms.append((named, header.tomogram))
                added.remarks += header.remarks
            case .failure(let refusal): added.refusals.append(refusal.sentence)
            }
        }
        // A name that is taken is found by the catalog, which is asked for all of them unless it is clear that nothing is added.
        guard !tomograms.isEmpty, addition.keepsGoing || added.refusals.isEmpty else { return added }
        var annotations: [[NewAnnotation]] = tomograms.map { _ in [] }
        if addition.takesAnnotations {
            var reader = CandidateAnnotations(addition.radii)
            annotations = tomograms.map { reader.read($0.named.candidate, for: $0.tomogram) }
            added.remarks += reader.remarks
            added.refusals += reader.refusals
            guard addition.keepsGoing || added.refusals.isEmpty else { return added }
        }
        let results = try catalog.collection.addEach(
            tomograms.map { ($0.named.dataset, $0.tomogram) },
            defaultVoxelSizeInAngstroms: addition.datasetVoxelSizeInAngstroms,
            mode: addition.isDryRun ? .trying : addition.keepsGoing ? .keepingGoing : .allOrNone)
        for case .failure(let error) in results { added.refusals.append("\(error)") }
        guard addition.keepsGoing || added.refusals.isEmpty else { return added }
        var new: [(tomogramID: Int64, annotation: NewAnnotation)] = []
        for case (.success(let result), let (tomogram, annotations)) in zip(results, zip(tomograms, annotations)) {
            added.items.append(
                AddedTomograms.Item(
                    dataset: tomogram.named.dataset, name: tomogram.tomogram.name, label: tomogram.named.candidate.label,
                    outcome: result.outcome, annotations: annotations.count))
            new += annotations.map { (result.id, $0) }
            if !tomogram.tomogram.saysVoxelSize { added.withoutVoxelSize += 1 }
        }
        if !addition.isDryRun, !new.isEmpty { try catalog.collection.annotate(new) }
        return added
    }
}

extension NewTomogram {
    fileprivate var saysVoxelSize: Bool {
        [userVoxelSize, headerVoxelSize, metadataVoxelSize, folderVoxelSize].contains { $0 != nil }
    }
}
