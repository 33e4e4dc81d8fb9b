import Basics
import Catalog
import Foundation
import Volumes

/// Which tomograms of a copick project are added.
public struct CopickSelection: Sendable {
    /// The path of the configuration.
    public var configuration: String
    /// Only these runs; empty for all.
    public var runs: [String] = []
    /// Only tomograms of this voxel spacing in Å; nil for all.
    public var voxelSpacingInAngstroms: Double?
    /// Only tomograms of this type, such as `wbp`; nil for all.
    public var tomogramType: String?
    /// Only picks and segmentations of these users; empty for all but `CopickSession`'s default, under whose name results are exported.
    public var users: [String] = []

    /// All tomograms of a project.
    public init(configuration: String) { self.configuration = configuration }
}

/// The files of a copick project.
///
/// ```
/// {root}/ExperimentRuns/{run}/VoxelSpacing{v:.3f}/{type}.zarr
///                             Picks/{user}_{session}_{object}.json                            points in Å
///                             Segmentations/{v:.3f}_{user}_{session}_{name}[-multilabel].zarr
/// ```
struct CopickProject {
    static let runsFolder = "ExperimentRuns"
    static let (picksFolder, segmentationsFolder) = ("Picks", "Segmentations")
    static let multilabelEnding = "-multilabel"
    /// The keys of the metadata that tomograms get. They hold no dot, which SQLite's `->>` takes for a path.
    static let (runKey, typeKey, spacingKey) = ("copick_run", "copick_tomo_type", "copick_voxel_spacing")

    let configuration: CopickConfiguration
    let selection: CopickSelection

    /// - Throws: `CatalogError` where the configuration cannot be used.
    init(_ selection: CopickSelection) throws(CatalogError) {
        self.selection = selection
        configuration = try CopickConfiguration(path: selection.configuration)
    }

    /// A tomogram of a run.
    private struct Tomogram {
        let spacing: String
        let type: String
        let path: String
    }

    /// The tomograms with their annotations.
    ///
    /// - Complexity: lists a few folders for each run.
    func candidates(takingAnnotations takesAnnotations: Bool) -> FoundTomograms {
        var found = FoundTomograms()
        let all = Set(
            configuration.roots.flatMap { root in
                FolderListing.names("\(root)/\(Self.runsFolder)").filter {
                    FileStatus.isFolder("\(root)/\(Self.runsFolder)/\($0)")
                }
            }
        ).sorted()
        guard !all.isEmpty else {
            found.refusals.append(
                "\(configuration.path): there is no run in \(configuration.roots.joined(separator: " or ")) (its folder "
                    + "\(Self.runsFolder)); check overlay_root and static_root")
            return found
        }
        for run in selection.runs where !all.contains(run) {
            let some = all.prefix(6).joined(separator: ", ") + (all.count > 6 ? ", …" : "")
            found.refusals.append("\(configuration.path) has no run \(run); it has \(some)")
        }
        for run in selection.runs.isEmpty ? all : all.filter(selection.runs.contains) {
            add(run, takingAnnotations: takesAnnotations, to: &found)
        }
        if found.candidates.isEmpty, found.refusals.isEmpty {
            found.refusals.append(
                "\(configuration.path) has no tomogram like that in \(all.count) runs; check --voxel-spacing and "
                    + "--tomogram-type")
        }
        return found
    }

    private func add(_ run: String, takingAnnotations takesAnnotations: Bool, to found: inout FoundTomograms) {
        let tomograms = tomograms(of: run)
        let (types, spacings) = (Set(tomograms.map(\.type)), Set(tomograms.map(\.spacing)))
        let picks = takesAnnotations ? picks(of: run, &found.remarks) : []
        let segmentations = takesAnnotations ? segmentations(of: run, spacings: spacings, &found.remarks) : [:]
        for tomogram in tomograms {
            var candidate = TomogramCandidate(tomogram.path)
            candidate.suggestedName =
                ([run] + (types.count > 1 ? [tomogram.type] : []) + (spacings.count > 1 ? [tomogram.spacing] : []))
                .joined(separator: "_")
            candidate.metadata = [Self.runKey: run, Self.typeKey: tomogram.type, Self.spacingKey: tomogram.spacing]
            candidate.annotations = picks + (segmentations[tomogram.spacing] ?? [])
            found.candidates.append(candidate)
        }
    }

    private func tomograms(of run: String) -> [Tomogram] {
        var found: [String: Tomogram] = [:]
        for root in configuration.roots {
            let folder = "\(root)/\(Self.runsFolder)/\(run)"
            for name in FolderListing.names(folder) {
                guard let size = VoxelSpacingFolder.voxelSize(name) else { continue }
                let spacing = VoxelSpacingFolder.text(size.xInAngstroms)
                if let wanted = selection.voxelSpacingInAngstroms, VoxelSpacingFolder.text(wanted) != spacing { continue }
                for file in FolderListing.names("\(folder)/\(name)")
                where file.hasSuffix(".zarr") && !file.hasSuffix("_features.zarr") {
                    let type = String(file.dropLast(".zarr".count))
                    guard !type.isEmpty, selection.tomogramType.map({ $0 == type }) ?? true else { continue }
                    let tomogram = Tomogram(spacing: spacing, type: type, path: "\(folder)/\(name)/\(file)")
                    found["\(spacing)/\(type)"] = found["\(spacing)/\(type)"] ?? tomogram
                }
            }
        }
        return found.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The names in a folder of a run, each with the path of the first root that has it.
    private func files(of run: String, in folder: String, ending: String) -> [(name: String, path: String)] {
        var found: [String: String] = [:]
        for root in configuration.roots {
            let folder = "\(root)/\(Self.runsFolder)/\(run)/\(folder)"
            for name in FolderListing.names(folder) where name.hasSuffix(ending) {
                found[name] = found[name] ?? "\(folder)/\(name)"
            }
        }
        return found.sorted { $0.key < $1.key }.map { (String($0.key.dropLast(ending.count)), $0.value) }
    }

    private func isWanted(_ user: String, _ path: String, _ remarks: inout [String]) -> Bool {
        guard selection.users.isEmpty else { return selection.users.contains(user) }
        guard user == CopickSession().userID else { return true }
        remarks.append("\(path) is left out: it is a result of Cellar; --users \(user) has it read as an annotation")
        return false
    }

    private func picks(of run: String, _ remarks: inout [String]) -> [AnnotationCandidate] {
        files(of: run, in: Self.picksFolder, ending: ".json").compactMap { name, path in
            let parts = name.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, !parts.contains("") else {
                remarks.append("\(path) is left out: the names of picks are user_session_object.json")
                return nil
            }
            guard isWanted(parts[0], path, &remarks) else { return nil }
            guard let object = configuration.object(named: parts[2]) else {
                remarks.append("\(path) is left out: \(configuration.path) has no object \(parts[2])")
                return nil
            }
            return AnnotationCandidate(
                path: path,
                content: .points(className: object.className, radiusInAngstroms: object.radiusInAngstroms, convention: nil),
                author: parts[0], session: parts[1])
        }
    }

    /// By voxel spacing. Those of a spacing of which there is no tomogram are left out.
    private func segmentations(
        of run: String, spacings: Set<String>, _ remarks: inout [String]
    ) -> [String: [AnnotationCandidate]] {
        var found: [String: [AnnotationCandidate]] = [:]
        for (name, path) in files(of: run, in: Self.segmentationsFolder, ending: ".zarr") {
            let parts = name.split(separator: "_", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, !parts.contains(""), let spacing = Double(parts[0]) else {
                remarks.append("\(path) is left out: the names of segmentations are spacing_user_session_name.zarr")
                continue
            }
            guard isWanted(parts[1], path, &remarks) else { continue }
            guard spacings.contains(VoxelSpacingFolder.text(spacing)) else {
                // Where the selection leaves its tomograms out, there is nothing to say.
                if selection.voxelSpacingInAngstroms == nil {
                    remarks.append("\(path) is left out: no tomogram of \(run) has the voxel spacing \(parts[0])")
                }
                continue
            }
            guard let classes = classes(ofSegmentation: parts[3]) else {
                remarks.append("\(path) is left out: \(configuration.path) has no object for it with a label of its own")
                continue
            }
            found[VoxelSpacingFolder.text(spacing), default: []].append(
                AnnotationCandidate(path: path, content: .labels(classes), author: parts[1], session: parts[2]))
        }
        return found
    }

    /// The classes of a segmentation by its name; nil where the configuration has none.
    private func classes(ofSegmentation name: String) -> LabelClasses? {
        guard !name.hasSuffix(Self.multilabelEnding) else {
            // Objects that share a label cannot be told apart: copick gives all that name none the label 1.
            let counts = Dictionary(configuration.objects.compactMap(\.label).map { ($0, 1) }, uniquingKeysWith: +)
            let classes = configuration.objects.compactMap { object in
                object.label.flatMap { counts[$0] == 1 ? (name: object.className, value: Int64($0)) : nil }
            }
            return classes.isEmpty ? nil : .present(classes)
        }
        return configuration.object(named: name).map { .single($0.className, label: $0.label.map { Int64($0) }) }
    }
}
