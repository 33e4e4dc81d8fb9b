import Basics
import Foundation
import Tensors
import Training
import Volumes

extension NetworkApplication {
    /// The memory for the results of one layer of blocks, in bytes.
    private static let layerBytes = 400_000_000
    /// The memory for a network's own arrays, in bytes.
    static let networkBytes = 900_000_000

    /// The blocks in which a network is run over a tomogram, and their margins.
    ///
    /// - Parameters:
    ///   - patch: the side of the patches of training. A network with coordinates as an input (``NetworkArchitecture/usesCoordinates``)
    ///     gets blocks of exactly this side along each axis, whatever the tomogram's shape.
    ///   - block: the side of a block for other networks, nil for the side of the patches. It is reduced where the network's arrays would take
    ///     too much memory.
    ///   - margin: the voxels at cut faces that are discarded; nil for the radius of the receptive field.
    ///   - taper: the voxels over which neighbouring blocks are blended.
    ///   - values: the results of a voxel.
    /// - Throws: ``TrainingError`` where blocks are too short for their margins, with the shortest side that is possible; ``PipelineError``
    ///   where blocks cannot have the side of the patches.
    static func window(
        of architecture: NetworkArchitecture, patch: Int, block: Int? = nil, margin: Int?, taper: Int, shape: VolumeShape,
        values: Int
    ) throws -> Window {
        if architecture.usesCoordinates {
            return try window(of: architecture, patches: patch, margin: margin, taper: taper, shape: shape, values: values)
        }
        let block = block ?? patch
        let (alignment, radius) = (architecture.alignment, architecture.receptiveRadius)
        let isDeep = alignment.depth > 1 || radius.depth > 0
        let bytesPerVoxel = architecture.bytesPerVoxel
        let most = Double(networkBytes) / Double(bytesPerVoxel)
        let longest = Int(isDeep ? cbrt(most) : most.squareRoot()) / alignment.height * alignment.height
        func axis(_ length: Int, _ alignment: Int, _ radius: Int) throws -> WindowAxis {
            // A block that holds the whole axis has no cut face.
            let whole = length.rounded(upToMultipleOf: alignment)
            let side = min(block, longest)
            if whole <= side { return try WindowAxis(block: whole, alignment: alignment) }
            return try WindowAxis(block: side, margin: margin ?? radius, taper: taper, alignment: alignment)
        }
        let window = Window(
            z: isDeep ? try axis(shape.z, alignment.depth, radius.depth) : .single,
            y: try axis(shape.y, alignment.height, radius.height), x: try axis(shape.x, alignment.width, radius.width))
        return try window.fitted(to: shape, outputs: values, bytes: layerBytes)
    }

    /// Blocks with the side of the patches. The network's arrays need no more memory for them than in training; the rest of the memory is for
    /// results.
    private static func window(
        of architecture: NetworkArchitecture, patches side: Int, margin: Int?, taper: Int, shape: VolumeShape, values: Int
    ) throws -> Window {
        func axis(_ alignment: Int, _ radius: Int) throws -> WindowAxis {
            guard side % alignment == 0 else {
                throw PipelineError(
                    "the network learned from patches of \(side) voxels, no multiple of \(alignment) as blocks are; train again"
                )
            }
            return try WindowAxis(
                block: side, margin: margin ?? radius, taper: taper, alignment: alignment, keepsLength: true)
        }
        let (alignment, radius) = (architecture.alignment, architecture.receptiveRadius)
        let window = Window(
            z: try axis(alignment.depth, radius.depth), y: try axis(alignment.height, radius.height),
            x: try axis(alignment.width, radius.width))
        let left = layerBytes + networkBytes - side * side * side * architecture.bytesPerVoxel
        return try window.fitted(to: shape, outputs: values, bytes: max(layerBytes, left))
    }
}
