import BlobStore
import ImageProcessing
import Volumes

extension Artifact {
    /// A dataset `[y][x]`.
    ///
    /// - Throws: ``PipelineError`` where it has other axes, ``BlobError`` where there is none of that name and type.
    func image<Pixel: VoxelScalar>(_ name: String, as type: Pixel.Type = Pixel.self) throws -> Image<Pixel> {
        let shape = try dataset(name).shape
        guard shape.count == 2, let image = Image(height: shape[0], width: shape[1], values: try read(name, as: type)) else {
            throw PipelineError("\(name) in the artifact \(path) has the shape \(shape), and is no image")
        }
        return image
    }
}
