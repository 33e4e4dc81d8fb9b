import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline
public import Volumes

/// The results that are written to a copick project: particles as picks, classes of voxels as a multilabel segmentation.
public enum ExportedCopick: ResultSource {
    /// Particles that the picker found.
    case picks
    /// Classes of voxels that the network found.
    case segmentation
    /// Pseudo-labels of slabs: particles as picks, classes as a segmentation.
    case pseudoLabels

    public var step: String {
        switch self {
        case .picks: PickStep.name
        case .segmentation: SegmentStep.name
        case .pseudoLabels: PseudoLabelsStep.name
        }
    }
}

/// How results are written to a copick project.
public struct CopickExport: Sendable {
    /// The path of the configuration.
    public var configuration: String
    /// In whose name; copick's file names have both.
    public var session = CopickSession()
    /// Which results; empty for those of networks where there are any, and else pseudo-labels.
    public var sources: [ExportedCopick] = []
    /// Whether picks that people rejected are left out, and those that they added are written.
    public var isCurated = true
    /// Where a configuration is written with the objects that this one lacks; nil to refuse then.
    public var extendedConfiguration: String?

    /// An export of what networks found, or else of pseudo-labels, in the name `cellar`.
    public init(configuration: String) { self.configuration = configuration }
}

/// A file that was written to a copick project.
public struct CopickFile: Sendable {
    /// Where it lies.
    public let path: String
    /// What was written to it, and of which results.
    public let export: Export
}

/// What an export to a copick project did.
public struct CopickExportReport: Sendable {
    /// The files that were written.
    public fileprivate(set) var files: [CopickFile] = []
    /// What is odd, or left out, a sentence each.
    public fileprivate(set) var remarks: [String] = []
}

extension Project {
    /// Writes results to the overlay of a copick project: picks in Å, and multilabel segmentations as OME-Zarr with the labels of the
    /// configuration's objects.
    ///
    /// The run is the one that a tomogram came from, or else its name. Nothing is written unless every file may be.
    ///
    /// - Parameters:
    ///   - names: of the tomograms: a name, `dataset/name`, or `id:N`. One without a result is an error where it is the only one, and else
    ///     left out with a remark.
    ///   - progress: called with each file that was written.
    /// - Throws: `CatalogError` where there is no such tomogram or no result, the configuration cannot be used or lacks an object, or a
    ///   name cannot be one of copick's; `VolumeError` where a file must not or cannot be written.
    /// - Complexity: reads and writes each segmentation once.
    public func exportCopick(
        of names: [String], _ export: CopickExport, to outputs: OutputFiles, progress: (CopickFile) -> Void = { _ in }
    ) throws -> CopickExportReport {
        for (title, name) in [("user", export.session.userID), ("session", export.session.sessionID)] {
            guard CopickName.isSafe(name) else {
                throw CatalogError(
                    .invalid,
                    "\"\(name)\" cannot be the \(title) of copick's files, whose names are split at underscores; write "
                        + (CopickName.safe(name) ?? "another one"))
            }
        }
        let configuration = try CopickConfiguration(path: export.configuration)
        var report = CopickExportReport()
        var runs: [CopickRunResults] = []
        for name in names {
            let run = try CopickRunResults(TomogramResults(self, of: name), export)
            if run.isEmpty {
                let error = run.results.missing((export.sources.first ?? .pseudoLabels).step)
                guard names.count > 1 else { throw error }
                report.remarks.append("\(run.results.tomogram.name) is left out: \(error.message)")
            } else {
                runs.append(run)
            }
        }
        guard !runs.isEmpty else {
            throw CatalogError(.invalid, "none of the \(names.count) tomograms has a result at hand; `cellar run` computes them")
        }
        let objects = try CopickObjects(
            configuration, for: CopickRunResults.classes(of: runs), canAdd: export.extendedConfiguration != nil)
        report.remarks += objects.remarks
        // All names are looked at before the first file is written.
        var written: Set<String> = []
        let files = try runs.map { run in
            let files = try CopickRunFiles(run, objects: objects, session: export.session, outputs)
            for path in files.paths where !written.insert(path).inserted {
                throw CatalogError(
                    .invalid,
                    "\(path) would be written twice, from two tomograms of the run or two steps; name one of them, and give another "
                        + "--session for the other")
            }
            return files
        }
        if let path = export.extendedConfiguration {
            if objects.added.isEmpty {
                report.remarks.append("\(export.configuration) lacks no object: \(path) is not written")
            } else {
                try outputs.file(path).write(objects.extendedConfiguration())
                report.remarks.append(
                    "\(path) is \(export.configuration) with the objects \(objects.added.map(\.name).joined(separator: ", "))")
            }
        }
        for files in files {
            report.remarks += files.stale
            try files.write { file in
                report.files.append(file)
                progress(file)
            }
        }
        return report
    }
}

/// The results of a tomogram that become files of a copick run.
private struct CopickRunResults {
    /// The classes of voxels.
    struct Labels {
        let parts: [(z: Range<Int>, volume: StoredVolume)]
        /// The first one has the number 1; numbers beyond are no class.
        let classes: [String]
        let step: String
        let results: ExportedResults
    }

    let results: TomogramResults
    let run: String
    /// The spacing of the tomogram's folder in the project; nil where it did not come from one.
    private let spacingText: String?
    let points: [ExportedPointSet]
    let labels: [Labels]

    var isEmpty: Bool { points.isEmpty && labels.isEmpty }

    init(_ results: TomogramResults, _ export: CopickExport) throws {
        let sources = export.sources
        self.results = results
        let metadata = try results.project.catalog.collection.metadata(ofTomogram: results.id)
        run = metadata[CopickProject.runKey] ?? results.tomogram.name
        spacingText = metadata[CopickProject.spacingKey]
        guard !run.isEmpty, !run.hasPrefix("."), !run.contains("/") else {
            throw CatalogError(
                .invalid, "\"\(run)\" cannot be a run of copick, which is a folder; give the tomogram another name")
        }
        var (points, labels): ([ExportedPointSet], [Labels]) = ([], [])
        let pointSources: [ExportedPoints] =
            sources.isEmpty
            ? ExportedPoints.allCases : ExportedPoints.allCases.filter { source in sources.contains { $0.step == source.step } }
        let labelSources: [ExportedLabels] =
            sources.isEmpty
            ? ExportedLabels.allCases : ExportedLabels.allCases.filter { source in sources.contains { $0.step == source.step } }
        for source in pointSources where try results.hasPoints(source) {
            points.append(try results.points(from: source, isCurated: export.isCurated))
            // Where nobody chose, the first that is there counts: that of the networks.
            if sources.isEmpty { break }
        }
        for source in labelSources {
            guard let found = try Self.labels(source, of: results) else { continue }
            labels.append(found)
            if sources.isEmpty { break }
        }
        (self.points, self.labels) = (points, labels)
    }

    private static func labels(_ source: ExportedLabels, of results: TomogramResults) throws -> Labels? {
        switch source {
        case .segmentation:
            guard let found = try results.standing.content(SegmentStep.self, \.labels, scopeID: results.id) else { return nil }
            return Labels(
                parts: [(0..<results.shape.z, try found.volume())], classes: found.classes.names, step: source.step,
                results: try results.provenance(of: source.step))
        case .pseudoLabels:
            let slabs = try results.standing.slabContents(PseudoLabelsStep.self, \.labels, ofTomogram: results.id)
            guard !slabs.isEmpty else { return nil }
            return Labels(
                parts: try slabs.map { ($0.z, try $0.content.classVolume()) }, classes: PseudoLabels.classes, step: source.step,
                results: try results.slabProvenance(of: source.step))
        }
    }

    /// What the results of some runs need objects for.
    static func classes(of runs: [CopickRunResults]) -> [String: CopickObjects.Wanted] {
        var wanted: [String: CopickObjects.Wanted] = [:]
        for run in runs {
            for point in run.points.flatMap(\.points) {
                guard let name = point.className else { continue }
                wanted[name, default: .init()].isParticle = true
                if let radius = point.radiusInAngstroms { wanted[name, default: .init()].radii.append(radius) }
            }
            for name in run.labels.flatMap(\.classes) { wanted[name, default: .init()].isLabelled = true }
        }
        return wanted
    }

    /// The voxel spacing in names of files.
    ///
    /// - Throws: `CatalogError` where voxels are no cubes, or their size is not known.
    func spacing(_ voxelSize: VoxelSize?) throws(CatalogError) -> String {
        if let spacingText { return spacingText }
        guard let size = voxelSize else {
            throw CatalogError(
                .invalid, "\(results.tomogram.name) has no voxel size, which copick's names have; add it again with --voxel-size")
        }
        let lengths = [size.xInAngstroms, size.yInAngstroms, size.zInAngstroms].map(VoxelSpacingFolder.text)
        guard Set(lengths).count == 1 else {
            throw CatalogError(
                .invalid,
                "\(results.tomogram.name) has voxels of \(size), and copick's are cubes; `export labels` writes it as MRC")
        }
        return lengths[0]
    }
}

/// The files of a run that are written.
private struct CopickRunFiles {
    private struct Picks {
        let output: OutputFile
        let set: PointSet
        let from: ExportedPointSet
        let object: String
    }

    private struct Segmentation {
        let output: OutputFolder
        let volume: RelabelledVolume
        let contents: String
        let results: ExportedResults
    }

    private let picks: [Picks]
    private let segmentations: [Segmentation]
    private let folders: Set<String>
    private let session: CopickSession
    /// Files of an earlier export that this one has nothing for, a sentence each.
    let stale: [String]

    var paths: [String] { picks.map(\.output.path) + segmentations.map(\.output.path) }

    /// - Throws: `VolumeError` where a file must not be written.
    init(_ run: CopickRunResults, objects: CopickObjects, session: CopickSession, _ outputs: OutputFiles) throws {
        self.session = session
        let folder = "\(objects.configuration.overlayRoot)/\(CopickProject.runsFolder)/\(run.run)"
        let picksFolder = "\(folder)/\(CopickProject.picksFolder)"
        let segmentationsFolder = "\(folder)/\(CopickProject.segmentationsFolder)"
        let prefix = "\(session.userID)_\(session.sessionID)_"
        var (picks, folders): ([Picks], Set<String>) = ([], [])
        for set in run.points {
            let byClass = Dictionary(grouping: set.points) { $0.className ?? "" }
            for (name, points) in byClass.sorted(by: { $0.key < $1.key }) {
                guard let object = objects.byClass[name]?.name else { continue }
                // copick finds a file by user, session and object: two sources of one class are two sessions.
                picks.append(
                    Picks(
                        output: try outputs.file("\(picksFolder)/\(prefix)\(object).json"),
                        set: PointSet(
                            points: points.map { point in
                                var point = point
                                (point.className, point.tomogramName) = (object, run.run)
                                return point
                            }, convention: .angstrom), from: set, object: object))
                folders.insert(picksFolder)
            }
        }
        if !run.points.isEmpty {
            let names = Set(picks.map { "\(prefix)\($0.object).json" })
            stale = FolderListing.names(picksFolder).filter {
                $0.hasPrefix(prefix) && $0.hasSuffix(".json") && !names.contains($0)
            }.map {
                "\(picksFolder)/\($0) is of an earlier export: there is no such particle any more; remove it if nobody needs it"
            }
        } else {
            stale = []
        }
        segmentations = try run.labels.map { labels in
            let spacing = try run.spacing(labels.results.voxelSize)
            let output = try outputs.folder(
                "\(segmentationsFolder)/\(spacing)_\(prefix)\(labels.step)\(CopickProject.multilabelEnding).zarr")
            let numbers = labels.classes.map { UInt16(clamping: objects.byClass[$0]?.label ?? 0) }
            // Numbers beyond the classes, such as that of what is neither, become ground.
            let shape = run.results.shape
            guard labels.parts.allSatisfy({ $0.volume.lengths == [$0.z.count, shape.y, shape.x] }),
                let volume = RelabelledVolume(
                    AssembledVolume(labels.parts, shape: shape, name: output.path), labels: [0] + numbers + [0],
                    voxelSize: labels.results.voxelSize, name: output.path)
            else { throw run.results.otherSize(labels.step) }
            let names = zip(numbers, labels.classes).map { "\($0) \(objects.byClass[$1]?.name ?? $1)" }.joined(separator: ", ")
            return Segmentation(
                output: output, volume: volume, contents: "\(run.results.shape), \(labels.step): \(names)",
                results: labels.results)
        }
        if !segmentations.isEmpty { folders.insert(segmentationsFolder) }
        (self.picks, self.folders) = (picks, folders)
    }

    func write(_ done: (CopickFile) -> Void) throws {
        for folder in folders.sorted() { try NewFolder.make(folder) }
        for item in picks {
            try PointFile.write(
                item.set, to: item.output, voxelSize: item.from.voxelSize, shape: item.from.shape, session: session)
            done(
                CopickFile(
                    path: item.output.path,
                    export: Export(
                        contents: "\(item.set.points.count) points of \(item.object), \(item.from.step)",
                        results: item.from.results)))
        }
        for item in segmentations {
            try OMEZarrWriter.write(
                item.volume, to: item.output, name: CopickProject.segmentationsFolder, voxelSize: item.results.voxelSize,
                reduction: .first)
            done(CopickFile(path: item.output.path, export: Export(contents: item.contents, results: item.results)))
        }
    }
}
