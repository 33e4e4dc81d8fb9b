import Foundation
import ImageProcessing
import Volumes

/// Labels whose membranes are drawn at a thickness around their centre surfaces: how thick the sources have them is no matter then.
///
/// Around them lies a band that training ignores, as it does what was membrane and is not drawn, such as the inside of a blob. Particles keep
/// their voxels.
struct DrawnMembranes {
    let labels: any SliceLabels
    private let shape: VolumeShape
    /// The membranes, and membranes with their band; nil where labels stay as they are.
    private let drawing: (membrane: SheetDrawing, band: SheetDrawing, surfaces: SliceFile)?
    /// What was drawn last, and its first slice.
    private var block: (first: Int, membranes: [Mask], bands: [Mask]) = (0, [], [])

    /// The slices that are drawn at a time.
    private static let blockHeight = 16

    /// Finds the centre surfaces, in the labels, unless the thickness is 0; they are kept in a file of the workspace.
    ///
    /// - Throws: ``ImageError`` where the thickness is less than a voxel's length.
    /// - Complexity: one pass over the labels; see ``CentreSurfaceFinder``.
    init(
        _ labels: any SliceLabels, shape: VolumeShape, voxelSize: VoxelSize, thicknessInAngstroms thickness: Double,
        bandInAngstroms band: Double, workspace: URL, check: () throws -> Void
    ) throws {
        (self.labels, self.shape) = (labels, shape)
        guard thickness > 0 else {
            drawing = nil
            return
        }
        func sheets(_ thickness: Double) throws -> SheetDrawing {
            try SheetDrawing(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: thickness)
        }
        let (membrane, wide) = (try sheets(thickness), try sheets(min(thickness + 2 * band, 1000)))
        let surfaces = try SliceFile(workspace.appending(path: "surfaces"), sliceBytes: shape.voxelsPerSlice)
        try surfaces.truncate(to: 0)
        var finder = CentreSurfaceFinder(shape: shape, voxelSize: voxelSize)
        for z in 0..<shape.z {
            try check()
            let classes = try labels.slice(z, height: shape.y, width: shape.x).classes
            for codes in try finder.add(shape.image(classes).membrane) { try surfaces.append(codes.values) }
        }
        drawing = (membrane, wide, surfaces)
    }

    /// A slice of the labels.
    ///
    /// - Complexity: reads one slice of each source, where slices are asked for in order.
    mutating func slice(_ z: Int) throws -> AgreedLabels.Slice {
        var slice = try labels.slice(z, height: shape.y, width: shape.x)
        if let drawing {
            if !block.membranes.indices.contains(z - block.first) {
                let slices = z..<min(z + Self.blockHeight, shape.z)
                func masks(_ sheets: SheetDrawing) throws -> [Mask] {
                    try sheets.masks(of: slices) { slice in
                        try shape.image(drawing.surfaces.read(slice, 0..<shape.voxelsPerSlice))
                    }
                }
                block = (z, try masks(drawing.membrane), try masks(drawing.band))
            }
            let (membrane, band) = (block.membranes[z - block.first].values, block.bands[z - block.first].values)
            for pixel in slice.classes.indices where slice.particles[pixel] == 0 {
                let wasMembrane = slice.classes[pixel] == SliceInstances.Part.membrane.rawValue
                if membrane[pixel] {
                    slice.classes[pixel] = SliceInstances.Part.membrane.rawValue
                } else if band[pixel] || wasMembrane {
                    slice.classes[pixel] = SliceInstances.Part.neither.rawValue
                }
            }
        }
        return slice
    }
}
