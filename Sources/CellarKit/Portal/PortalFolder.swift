import Basics
import Catalog
import Foundation
import Volumes

/// A folder of files of the CryoET Data Portal: a run, a dataset of runs, or a folder of datasets.
///
/// ```
/// {dataset}/{run}/Reconstructions/VoxelSpacing{v:.3f}/Tomograms/{id}/{run}.zarr | .mrc, tomogram_metadata.json
///                                                     Annotations/{id}/{name}-{version}.json
///                                                                      {name}-{version}_point.ndjson, _segmentationmask.zarr | .mrc, …
/// ```
struct PortalFolder {
    private static let reconstructions = "Reconstructions"
    /// The keys of the metadata that tomograms get.
    static let (datasetKey, runKey, tomogramKey) = ("portal_dataset", "portal_run", "portal_tomogram")
    static let (reconstructionKey, processingKey) = ("portal_reconstruction", "portal_processing")

    private struct Run {
        let dataset: String?
        let name: String
        let path: String
    }

    private let runs: [Run]

    /// - Returns: nil where the folder has no run within two levels.
    init?(_ folder: String) {
        let path = URL(fileURLWithPath: folder).standardizedFileURL.path
        func isRun(_ path: String) -> Bool { FileStatus.isFolder("\(path)/\(Self.reconstructions)") }
        func name(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }
        func runs(ofDataset path: String) -> [Run] {
            FolderListing.names(path).map { "\(path)/\($0)" }.filter(isRun).map {
                Run(dataset: name(path), name: name($0), path: $0)
            }
        }
        if isRun(path) {
            self.runs = [Run(dataset: nil, name: name(path), path: path)]
        } else {
            let own = runs(ofDataset: path)
            self.runs = own.isEmpty ? FolderListing.names(path).flatMap { runs(ofDataset: "\(path)/\($0)") } : own
        }
        if self.runs.isEmpty { return nil }
    }

    /// A tomogram of a run: its level 0 as zarr, or as MRC where there is no zarr of the name.
    private struct Tomogram {
        let spacing: String
        let spacingFolder: String
        let id: String
        let folder: String
        let file: String
    }

    /// The tomograms with their annotations.
    ///
    /// - Complexity: lists a few folders for each tomogram, and reads its documents.
    func candidates(takingAnnotations takesAnnotations: Bool) -> FoundTomograms {
        var found = FoundTomograms()
        for run in runs {
            let tomograms = tomograms(of: run)
            let areNumbersEnough = Set(tomograms.map(\.id)).count == tomograms.count
            var annotations: [String: [AnnotationCandidate]] = [:]
            for tomogram in tomograms {
                var candidate = TomogramCandidate("\(tomogram.folder)/\(tomogram.file)")
                candidate.suggestedName =
                    tomograms.count == 1
                    ? run.name
                    : areNumbersEnough ? "\(run.name)-\(tomogram.id)" : "\(run.name)-\(tomogram.spacing)-\(tomogram.id)"
                candidate.metadata = [Self.runKey: run.name, Self.tomogramKey: tomogram.id]
                candidate.metadata[Self.datasetKey] = run.dataset
                read(documentsOf: tomogram, into: &candidate, &found.remarks)
                if takesAnnotations, annotations[tomogram.spacingFolder] == nil {
                    annotations[tomogram.spacingFolder] = self.annotations(
                        in: "\(tomogram.spacingFolder)/Annotations", &found.remarks)
                }
                candidate.annotations = annotations[tomogram.spacingFolder] ?? []
                found.candidates.append(candidate)
            }
        }
        if found.candidates.isEmpty {
            found.refusals.append(
                "there is no tomogram in the \(runs.count) runs of the portal's folder, the first of which is \(runs[0].path)")
        }
        return found
    }

    private func tomograms(of run: Run) -> [Tomogram] {
        let folder = "\(run.path)/\(Self.reconstructions)"
        return FolderListing.names(folder).flatMap { name -> [Tomogram] in
            guard let size = VoxelSpacingFolder.voxelSize(name) else { return [] }
            let spacing = "\(folder)/\(name)"
            return FolderListing.names("\(spacing)/Tomograms").flatMap { id -> [Tomogram] in
                let place = "\(spacing)/Tomograms/\(id)"
                let names = Set(FolderListing.names(place))
                return names.filter { Self.isPreferred($0, among: names) }.sorted().map {
                    Tomogram(
                        spacing: VoxelSpacingFolder.text(size.xInAngstroms), spacingFolder: spacing, id: id, folder: place,
                        file: $0)
                }
            }
        }
    }

    /// Whether a name is that of a volume, and no better one has the same stem: a zarr is preferred to an MRC file.
    private static func isPreferred(_ name: String, among names: Set<String>) -> Bool {
        name.hasSuffix(".zarr") || (name.hasSuffix(".mrc") && !names.contains(name.dropLast(".mrc".count) + ".zarr"))
    }

    private func read(
        documentsOf tomogram: Tomogram, into candidate: inout TomogramCandidate, _ remarks: inout [String]
    ) {
        for name in FolderListing.names(tomogram.folder) where name.hasSuffix(".json") {
            let path = "\(tomogram.folder)/\(name)"
            do throws(CatalogError) {
                let document = try SmallDocument.json(PortalTomogramMetadata.self, path: path)
                candidate.metadataVoxelSize = candidate.metadataVoxelSize ?? document.voxelSize
                candidate.metadata[Self.reconstructionKey] = document.reconstruction ?? candidate.metadata[Self.reconstructionKey]
                candidate.metadata[Self.processingKey] = document.processing ?? candidate.metadata[Self.processingKey]
            } catch {
                remarks.append("\(error.message): nothing of it is kept")
            }
        }
    }

    // MARK: Annotations

    /// The files of an annotation, by what follows its stem.
    private enum Ending: String, CaseIterable {
        case point = "_point.ndjson"
        case orientedPoint = "_orientedpoint.ndjson"
        case instancePoint = "_instancepoint.ndjson"
        case mask = "_segmentationmask.zarr"
        case maskOfMRC = "_segmentationmask.mrc"
        case instances = "_instancesegmentationmask.zarr"
        case instancesOfMRC = "_instancesegmentationmask.mrc"
    }

    private func annotations(in folder: String, _ remarks: inout [String]) -> [AnnotationCandidate] {
        var annotations: [AnnotationCandidate] = []
        for id in FolderListing.names(folder) {
            let place = "\(folder)/\(id)"
            let names = Set(FolderListing.names(place))
            for name in names.sorted() where name.hasSuffix(".json") {
                let document: PortalAnnotationMetadata
                do throws(CatalogError) {
                    document = try SmallDocument.json(PortalAnnotationMetadata.self, path: "\(place)/\(name)")
                } catch {
                    remarks.append("\(error.message): its annotation is left out")
                    continue
                }
                let stem = String(name.dropLast(".json".count))
                for ending in Ending.allCases where names.contains(stem + ending.rawValue) {
                    let file = stem + ending.rawValue
                    switch ending {
                    case .point, .orientedPoint, .instancePoint:
                        annotations.append(
                            AnnotationCandidate(
                                path: "\(place)/\(file)",
                                content: .points(className: document.objectName, radiusInAngstroms: nil, convention: .voxel),
                                author: document.author))
                    case .mask, .maskOfMRC:
                        guard Self.isPreferred(file, among: names) else { continue }
                        annotations.append(
                            AnnotationCandidate(
                                path: "\(place)/\(file)", content: .labels(.single(document.objectName, label: nil)),
                                author: document.author))
                    case .instances, .instancesOfMRC:
                        guard Self.isPreferred(file, among: names) else { continue }
                        remarks.append("\(place)/\(file) is left out: it numbers instances, and an annotation has classes")
                    }
                }
            }
        }
        return annotations
    }
}
