import Foundation
import TestSupport

/// A copick project, written byte by byte: `overlay` and `static` in a folder, volumes as zarr arrays without compression.
struct CopickFixture {
    let folder: TemporaryDirectory
    static let shape = (z: 6, y: 8, x: 10)

    init(_ folder: TemporaryDirectory) { self.folder = folder }

    /// Writes a configuration, with a comment as copick's examples have it.
    @discardableResult
    func configure(
        _ name: String, objects: [(name: String, isParticle: Bool, label: Int?, radius: Double?)], more: String = ""
    ) throws -> String {
        let list = objects.map { object in
            let label = object.label.map { "\"label\": \($0), " } ?? ""
            return """
                {"name": "\(object.name)", "is_particle": \(object.isParticle), \(label)"radius": \(object.radius.map { "\($0)" } ?? "null"), \
                "color": [0, 117, 220, 255]}
                """
        }.joined(separator: ",\n    ")
        return try folder.write(
            name,
            Array(
                """
                {
                  // Where files are written.
                  "config_type": "filesystem", "name": "test", "description": "", "version": "1.0",
                  "overlay_root": "local://\(folder.file("overlay"))", "overlay_fs_args": {"auto_mkdir": true},
                  "static_root": "local://\(folder.file("static"))", "static_fs_args": {"auto_mkdir": true},
                  "pickable_objects": [
                    \(list)
                  ]\(more)
                }

                """.utf8))
    }

    /// Writes a tomogram of 10 × 8 × 6 voxels that differ, or of other values.
    func tomogram(
        _ run: String, type: String = "wbp", spacing: String = "10.000", root: String = "static", values: [Float]? = nil,
        chunks: Range<Int>? = nil
    ) throws {
        let count = Self.shape.z * Self.shape.y * Self.shape.x
        let voxels = values ?? (0..<count).map { Float($0 % 89) }
        try array(
            "\(root)/ExperimentRuns/\(run)/VoxelSpacing\(spacing)/\(type).zarr", dtype: "<f4",
            voxels.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }, size: 4, chunks: chunks)
    }

    /// Writes labels of uint8.
    func segmentation(
        _ run: String, _ name: String, root: String = "static", depth: Int = Self.shape.z, _ label: (_ x: Int) -> UInt8
    ) throws {
        let bytes = (0..<depth * Self.shape.y * Self.shape.x).map { label($0 % Self.shape.x) }
        try array("\(root)/ExperimentRuns/\(run)/Segmentations/\(name).zarr", dtype: "|u1", bytes, size: 1)
    }

    /// Writes a zarr array of version 2, one chunk for each two slices.
    ///
    /// - Parameter chunks: those that are stored; nil for all.
    private func array(_ path: String, dtype: String, _ bytes: [UInt8], size: Int, chunks: Range<Int>? = nil) throws {
        let slice = Self.shape.y * Self.shape.x * size
        let depth = bytes.count / slice
        try folder.write(
            "\(path)/.zarray",
            Array(
                """
                {"zarr_format": 2, "shape": [\(depth), \(Self.shape.y), \(Self.shape.x)], "chunks": [2, \(Self.shape.y), \
                \(Self.shape.x)], "dtype": "\(dtype)", "compressor": null, "fill_value": 0, "order": "C", "filters": null}
                """.utf8))
        for chunk in chunks ?? 0..<depth / 2 {
            try folder.write("\(path)/\(chunk).0.0", bytes[chunk * 2 * slice..<(chunk + 1) * 2 * slice])
        }
    }

    /// Writes picks in Å; nil for points that are null, as a program leaves them before the first pick.
    func picks(_ run: String, _ name: String, root: String = "overlay", points: [[Double]]?) throws {
        let parts = name.split(separator: "_")
        let list = points.map { points in
            "["
                + points.map { point in
                    """
                    {"location": {"x": \(point[0]), "y": \(point[1]), "z": \(point[2])}, "instance_id": 0, "score": 1.0, "transformation_": \
                    [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}
                    """
                }.joined(separator: ", ") + "]"
        }
        try folder.write(
            "\(root)/ExperimentRuns/\(run)/Picks/\(name).json",
            Array(
                """
                {"pickable_object_name": "\(parts.last ?? "")", "user_id": "\(parts[0])", "session_id": "1", "run_name": "\(run)", \
                "voxel_spacing": null, "unit": "angstrom", "points": \(list ?? "null"), "trust_orientation": true}
                """.utf8))
    }
}
