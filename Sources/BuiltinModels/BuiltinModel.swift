internal import CBuiltinModels
import Foundation
import Volumes

/// A small model that comes with the program, in the format of the large ones; its files are part of the program itself.
///
/// ```swift
/// let path = try BuiltinModel.diffusion.write(into: catalog.directory.models)
/// ```
public struct BuiltinModel: Hashable, Sendable {
    /// What catalogs call it: `builtin-diffusion`.
    public let name: String
    /// What it is for, as catalogs say it: `diffusion`, `cellpose`, `network`.
    public let kind: String
    /// Its folder or file.
    let root: String
    public let licence: String
    /// Of what it was made, in a sentence.
    public let provenance: String

    /// A latent diffusion model: a folder in the layout of diffusers.
    public static let diffusion = BuiltinModel(
        name: "builtin-diffusion", kind: "diffusion", root: "builtin-diffusion", licence: "Apache-2.0",
        provenance: "trained by Cellar's authors on simulated tomograms and dead leaves, without labels")

    /// A CPnet of CellPose, as safetensors.
    public static let cellpose = BuiltinModel(
        name: "builtin-cellpose", kind: "cellpose", root: "builtin-cellpose.safetensors", licence: "Apache-2.0",
        provenance: "trained by Cellar's authors on masks of simulated tomograms")

    /// A U-Net that tells membranes, particles, filaments and the outside of the sample apart, as safetensors: for a first segmentation,
    /// before anything was picked, and as the beginning of trainings.
    public static let structures = BuiltinModel(
        name: "builtin-structures", kind: "network", root: "builtin-structures.safetensors", licence: "Apache-2.0",
        provenance: "trained by Cellar's authors on random scenes of `cellar simulate`")

    public static let all = [diffusion, cellpose, structures]

    /// Its files, by their paths from where it is put.
    private var files: [(path: String, bytes: Data)] {
        (0..<cellar_builtin_file_count()).compactMap { index in
            let file = cellar_builtin_file_at(index)
            guard let name = file.path, let bytes = file.bytes else { return nil }
            let path = String(cString: name)
            guard path == root || path.hasPrefix("\(root)/") else { return nil }
            return (path, Data(bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes), count: file.count, deallocator: .none))
        }
    }

    /// Writes the model into a folder, under a temporary name first, so that it is there as a whole or not at all. One of that name is
    /// replaced.
    ///
    /// - Returns: the path of its folder or file.
    /// - Throws: ``VolumeError``, or an error of Foundation's, where it cannot be written.
    /// - Complexity: writes some megabytes.
    public func write(into folder: String) throws -> String {
        let manager = FileManager.default
        let target = URL(fileURLWithPath: folder).appending(path: root)
        let staging = URL(fileURLWithPath: folder).appending(path: ".\(name)-\(UUID().uuidString)")
        defer { try? manager.removeItem(at: staging) }
        for file in files {
            let url = staging.appending(path: file.path)
            try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try SmallFile(url.path).replace([UInt8](file.bytes))
        }
        if manager.fileExists(atPath: target.path) { try manager.removeItem(at: target) }
        try manager.moveItem(at: staging.appending(path: root), to: target)
        return target.path
    }
}
