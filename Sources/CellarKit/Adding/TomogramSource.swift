import Basics
import Catalog
import Foundation
import Volumes

/// Where the files come from that are added.
public enum TomogramSource: Sendable {
    /// Files, HDF5 datasets as `file.h5:/path`, OME-Zarr folders, and folders of the CryoET Data Portal's layout. Of any other folder, the
    /// volumes in it and below are added if `isRecursive`.
    case paths([String], isRecursive: Bool = false)
    /// A table of tomograms: a CSV file.
    case manifest(String)
    /// A copick project.
    case copick(CopickSelection)
    /// A folder of the CryoET Data Portal's layout.
    case portal(String)

    /// What there is.
    ///
    /// - Parameter takesAnnotations: whether annotations are looked for, too.
    /// - Throws: `CatalogError` where the table or the configuration cannot be read.
    func find(takingAnnotations takesAnnotations: Bool) throws -> FoundTomograms {
        switch self {
        case .manifest(let path): return try TomogramManifest(path: path).read()
        case .copick(let selection): return try CopickProject(selection).candidates(takingAnnotations: takesAnnotations)
        case .portal(let folder):
            guard let portal = PortalFolder(folder) else {
                throw CatalogError(
                    .invalid,
                    "\(folder) is no folder of the CryoET Data Portal's layout: a run has a folder Reconstructions, with "
                        + "VoxelSpacing…/Tomograms in it; name a run, a dataset, or a folder of datasets")
            }
            return portal.candidates(takingAnnotations: takesAnnotations)
        case .paths(let paths, let isRecursive):
            var found = FoundTomograms()
            for path in paths { Self.find(path, isRecursive: isRecursive, takesAnnotations, &found) }
            return found
        }
    }

    private static func find(_ path: String, isRecursive: Bool, _ takesAnnotations: Bool, _ found: inout FoundTomograms) {
        guard FileStatus.isFolder(path), !VolumeLocation.isZarr(folder: path) else {
            found.candidates.append(TomogramCandidate(path))
            return
        }
        if let portal = PortalFolder(path) {
            let inPortal = portal.candidates(takingAnnotations: takesAnnotations)
            found.candidates += inPortal.candidates
            found.remarks.append("\(path) has the layout of the CryoET Data Portal, and is read as such")
            found.remarks += inPortal.remarks
            found.refusals += inPortal.refusals
            return
        }
        let volumes = VolumeTree.paths(in: path, limit: isRecursive ? .max : 1000)
        if volumes.isEmpty {
            found.refusals.append("\(path) is a folder without a volume (.mrc, .rec, .map, .tif, .h5, .zarr, …); name files")
        } else if isRecursive {
            found.candidates += volumes.map { TomogramCandidate($0) }
        } else {
            let count = volumes.count == 1000 ? "1000 or more" : "\(volumes.count)"
            found.refusals.append("\(path) is a folder; --recursive adds what is in it and below: \(count) volumes")
        }
    }
}
