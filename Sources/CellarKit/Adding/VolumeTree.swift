import Basics

/// The volumes in a folder and the folders below it, by the extensions of their names.
///
/// Tilt series (`.st`, `.ali`) are left out: they are stacks of projections, and no tomograms.
enum VolumeTree {
    /// The endings of names of MRC files, which may be compressed by gzip; of tilt series; and of all volumes, the longer ones first.
    private static let endingsOfMRC = [".mrc", ".rec", ".map", ".ccp4"]
    static let endingsOfTiltSeries = [".st", ".ali"]
    static let endings = endingsOfMRC + [".tiff", ".tif", ".hdf5", ".hdf", ".h5", ".ome.zarr", ".zarr"]
    static let gzip = ".gz"

    /// Whether a name is that of a volume.
    static func isVolume(_ name: String) -> Bool {
        let name = name.lowercased()
        return (endings + endingsOfMRC.map { $0 + gzip }).contains { name.hasSuffix($0) && name.count > $0.count }
    }

    /// The paths of the volumes, sorted.
    ///
    /// - Parameter limit: how many are looked for at most.
    /// - Complexity: one stat(2) for each folder and each name that is no volume's. A folder that is reached twice by links is read once.
    static func paths(in folder: String, limit: Int = .max) -> [String] {
        var found: [String] = []
        var seen: Set<FileStatus.Identity> = []
        var waiting = [folder]
        while let current = waiting.popLast(), found.count < limit {
            guard let status = try? FileStatus(of: current), status.isFolder, seen.insert(status.identity).inserted else {
                continue
            }
            for name in FolderListing.names(current) {
                let path = current.hasSuffix("/") ? current + name : "\(current)/\(name)"
                if isVolume(name) {
                    found.append(path)
                } else if FileStatus.isFolder(path) {
                    waiting.append(path)
                }
            }
        }
        return Array(found.sorted().prefix(limit))
    }
}
