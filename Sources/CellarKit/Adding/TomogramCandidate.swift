import Foundation
import Volumes

/// A file that may become a tomogram, with all that its source knows of it: paths, a table, a copick project, or the CryoET Data Portal's
/// folders. Every source gives candidates, so that naming, skipping and refusing are the same for all.
struct TomogramCandidate: Sendable {
    /// What people call it in a sentence: its path as it was given, or the line of a table.
    var label: String
    var location: VolumeLocation
    /// nil for the dataset of the addition.
    var dataset: String?
    /// The name that a person gives it.
    var name: String?
    /// The name that follows from the collection that it is in; one that the catalog has for this file already wins.
    var suggestedName: String?
    var userVoxelSize: VoxelSize?
    /// What a document beside the file says.
    var metadataVoxelSize: VoxelSize?
    var metadata: [String: String] = [:]
    var annotations: [AnnotationCandidate] = []

    /// - Parameter path: `PATH` or `PATH:MEMBER`; it becomes absolute.
    init(_ path: String, label: String? = nil) {
        let parsed = VolumeLocation(parsing: path)
        location = VolumeLocation(path: URL(fileURLWithPath: parsed.path).standardizedFileURL.path, member: parsed.member)
        self.label = label ?? path
    }

    /// The voxel size in the name of a folder above the file. An array within a zarr group may be a smaller resolution, of which the folder
    /// says nothing.
    var folderVoxelSize: VoxelSize? { location.member == nil ? VoxelSpacingFolder.voxelSize(above: location.path) : nil }
}

/// A file that may become an annotation of a candidate.
struct AnnotationCandidate: Sendable {
    enum Content: Sendable {
        /// A table of points of one class.
        case points(className: String, radiusInAngstroms: Double?, convention: CoordinateConvention?)
        case labels(LabelClasses)
    }

    var path: String
    var content: Content
    var author: String?
    var session: String?
}

/// What a source found.
struct FoundTomograms: Sendable {
    var candidates: [TomogramCandidate] = []
    /// What is odd, or left out, a sentence each.
    var remarks: [String] = []
    /// What cannot be added, a sentence each.
    var refusals: [String] = []
}

/// A folder `VoxelSpacing13.480`, as copick and the CryoET Data Portal have it: the voxel size in Å with three digits.
enum VoxelSpacingFolder {
    private static let prefix = "VoxelSpacing"

    /// The voxel size that a folder's name says; nil where it is no such name.
    static func voxelSize(_ name: some StringProtocol) -> VoxelSize? {
        guard name.hasPrefix(prefix) else { return nil }
        return Double(name.dropFirst(prefix.count)).flatMap { VoxelSize(cubicInAngstroms: $0) }
    }

    /// The voxel size of the nearest such folder above a file.
    static func voxelSize(above path: String) -> VoxelSize? {
        for name in path.split(separator: "/").dropLast().reversed() {
            if let size = voxelSize(name) { return size }
        }
        return nil
    }

    /// A length in Å as names of folders and files have it: `13.480`.
    static func text(_ length: Double) -> String { String(format: "%.3f", length) }
}

/// What is in a folder.
enum FolderListing {
    /// The names, sorted, without hidden ones (and so without the `._` files of macOS); none where the folder cannot be listed.
    static func names(_ path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()
    }
}
