import Basics

/// The volumes in a folder and the folders below it, by the extensions of their names.
///
/// Tilt series (`.st`, `.ali`) are left out: they are stacks of projections, and no tomograms.
enum VolumeTree {
    private static let extensions = [
        ".mrc", ".rec", ".map", ".ccp4", ".mrc.gz", ".rec.gz", ".map.gz", ".tif", ".tiff", ".h5", ".hdf5", ".hdf", ".zarr",
    ]

    /// Whether a name is that of a volume.
    static func isVolume(_ name: String) -> Bool {
        let name = name.lowercased()
        return extensions.contains { name.hasSuffix($0) && name.count > $0.count }
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
