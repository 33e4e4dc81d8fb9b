import Basics
import Catalog
import ImageProcessing
import Pipeline
import Rendering
public import Volumes

/// Whose objects are drawn as surfaces.
public enum MeshSource: Sendable {
    /// What was found: by the trained networks, or as pseudo-labels.
    case results
    /// What people or other programs annotated.
    case annotation
}

/// Surfaces of a tomogram as a binary glTF file.
public struct ExportedMesh: Sendable {
    /// The bytes of the file.
    public let bytes: [UInt8]
    /// What the file holds, in one line: the classes with their numbers of triangles or balls, the smoothing and the grid.
    public let contents: String
    /// The results that it was drawn from; empty for annotations.
    public let results: [ExportedResults]
    /// What is odd, or left out, a sentence each; what is to be said of the results is in ``ExportedResults/remarks``.
    public let remarks: [String]
    /// The number of triangles of all surfaces and balls.
    public let triangles: Int
    /// How many voxels along each axis were taken together as one before surfaces were drawn; 1 for the tomogram's own.
    public let binning: Int
    /// σ of the Gaussian in Å.
    public let smoothing: Double
}

extension Project {
    /// The most triangles of a mesh where nobody says: about 24 MB.
    public static let usualTriangles = 1_000_000
    /// The possible limits of triangles.
    public static let triangleRange = 1000...100_000_000
    /// The possible σ in Å.
    public static let smoothingRange = 0.0...1000.0

    /// Draws classes of a tomogram as surfaces, and particles as balls, as a binary glTF file with a mesh for each class.
    ///
    /// A class whose particles are known with their radius is drawn as balls, any other by its voxels: those of the segmentation
    /// where there is one, and else of pseudo-labels. Coordinates are in Å from the centre of the first voxel, along the axes x,
    /// y, z of the tomogram, by the voxel size with which the results were computed. Surfaces are closed; see
    /// ``ExportedMesh/binning`` for what happens where there would be too many triangles.
    ///
    /// - Parameters:
    ///   - name: of the tomogram: its name, `dataset/name`, or `id:N`.
    ///   - classes: by name; empty for all.
    ///   - smoothing: σ in Å of the Gaussian by which the mask of a class is smoothed; nil for the length of a voxel. What is
    ///     thinner than 1.35 σ vanishes.
    ///   - triangles: the most triangles of all surfaces and balls.
    /// - Throws: `CatalogError` where there is no such tomogram, result or class, nothing to draw, no voxel size, or a
    ///   parameter is out of its range; `VolumeError` where an annotation cannot be read.
    /// - Complexity: reads the labels once to find where classes are, and for each class and grid that is tried its slices again.
    ///   Memory is that of about 25 slices of float32 and of the mesh, twice.
    public func mesh(
        of name: String, classes: [String] = [], smoothing: Double? = nil, triangles: Int = usualTriangles,
        source: MeshSource = .results
    ) throws -> ExportedMesh {
        guard Self.triangleRange.contains(triangles) else {
            throw CatalogError(.invalid, "\(triangles) cannot be the most triangles of a mesh; give 1000 to 100000000")
        }
        if let smoothing, !Self.smoothingRange.contains(smoothing) {
            throw CatalogError(.invalid, "a mesh cannot be smoothed by \(smoothing) Å; give 0 to 1000")
        }
        let results = try TomogramResults(self, of: name)
        let parts = try source == .results ? MeshParts(resultsOf: results) : MeshParts(annotationsOf: results)
        return try MeshDrawing(parts, classes: classes).mesh(smoothing: smoothing, triangleLimit: triangles)
    }

    /// Writes what ``mesh(of:classes:smoothing:triangles:source:)`` gives to a file.
    ///
    /// - Throws: as that does; `VolumeError` where the file cannot be written.
    public func exportMesh(
        of name: String, classes: [String] = [], smoothing: Double? = nil, triangles: Int = usualTriangles,
        source: MeshSource = .results, to output: OutputFile
    ) throws -> ExportedMesh {
        let mesh = try mesh(of: name, classes: classes, smoothing: smoothing, triangles: triangles, source: source)
        try output.write(mesh.bytes)
        return mesh
    }
}
