import ImageProcessing
package import Volumes

/// A segmentation whose sheets, such as membranes, are drawn at a thickness around their centre surfaces. The network does not
/// run for it.
///
/// A voxel that has another class keeps it, also where a sheet is drawn over it. Where two classes of sheets are drawn, a voxel
/// keeps its own, and else gets the first one.
struct DrawnSegmentation: Sendable {
    let shape: VolumeShape
    let classes: ClassList
    private let segmentation: Segmentation
    private let surfaces: CentreSurfaces
    /// Nil where sheets are as the network found them.
    private let drawing: SheetDrawing?
    /// The slices that were drawn last, and the first of them.
    private var block: (first: Int, labels: [Image<UInt8>]) = (0, [])

    /// The slices that are drawn at a time, where they are read one by one.
    private static let blockHeight = 16

    /// - Parameter thicknessInAngstroms: the full width of sheets; 0 for as the network found them.
    /// - Throws: ``PipelineError`` where the centre surfaces are of another segmentation; ``ImageError`` where sheets cannot be
    ///   drawn so thick.
    init(
        _ segmentation: Segmentation, _ surfaces: CentreSurfaces, thicknessInAngstroms: Double, voxelSize: VoxelSize
    ) throws {
        (shape, classes) = (segmentation.shape, segmentation.classes)
        (self.segmentation, self.surfaces) = (segmentation, surfaces)
        drawing =
            try thicknessInAngstroms == 0 || surfaces.sheets.isEmpty
            ? nil : SheetDrawing(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: thicknessInAngstroms)
        guard drawing == nil || surfaces.belong(to: segmentation) else {
            throw PipelineError(
                "the centre surfaces at hand are of an earlier segmentation; `cellar run --until \(CentreSurfaceStep.name)` renews them"
            )
        }
    }

    /// The labels of a slice, `[y][x]`.
    ///
    /// - Complexity: reads one slice, where slices are read in order; where sheets are drawn, also their centre surfaces.
    mutating func labels(_ z: Int) throws -> Image<UInt8> {
        guard drawing != nil else { return try segmentation.labels(z) }
        if !block.labels.indices.contains(z - block.first) {
            block = (z, try slices(z..<min(z + Self.blockHeight, shape.z)))
        }
        return block.labels[z - block.first]
    }

    /// The labels of a slice in another order of classes: the position in `wanted`, from 1, and 0 for all other classes.
    mutating func labels(_ z: Int, of wanted: [String]) throws -> Image<UInt8> {
        let table = ClassList.table(from: classes.names, to: wanted)
        return try labels(z).map { table[Int($0)] }
    }

    /// The labels of some slices, `[y][x]` each.
    ///
    /// - Complexity: reads these slices, and the centre surfaces of them and of ``SheetDrawing/reach`` slices on either side.
    func slices(_ z: Range<Int>) throws -> [Image<UInt8>] {
        let labels = try z.map { try segmentation.labels($0) }
        guard let drawing else { return labels }
        let sheets = try surfaces.sheets.map { label in
            (
                label: UInt8(label),
                masks: try drawing.masks(of: z) { try surfaces.codes(ofLabel: label, $0, shape: shape) }
            )
        }
        return labels.indices.map { slice in
            var result = labels[slice].values
            for sheet in sheets {
                let mask = sheet.masks[slice].values
                for pixel in result.indices where result[pixel] == sheet.label && !mask[pixel] { result[pixel] = 0 }
            }
            for sheet in sheets {
                let mask = sheet.masks[slice].values
                for pixel in result.indices where result[pixel] == 0 && mask[pixel] { result[pixel] = sheet.label }
            }
            return Image(sizeOf: labels[slice]) { _ = $0.update(fromContentsOf: result) }
        }
    }
}

extension Segmentation {
    /// The labels with sheets drawn at a thickness.
    ///
    /// - Parameter tomogram: the name of the tomogram, for messages.
    /// - Throws: ``PipelineError`` where no class is a sheet, or the centre surfaces are of an earlier segmentation;
    ///   ``ImageError`` where the thickness is less than a voxel's length, or more than 1000 Å.
    package func volume(
        drawnAlong surfaces: CentreSurfaces, thicknessInAngstroms: Double, voxelSize: VoxelSize, of tomogram: String
    ) throws -> StoredVolume {
        guard !surfaces.sheets.isEmpty else {
            throw PipelineError(
                "the segmentation of \(tomogram) has no membrane to draw, only \(classes.names.joined(separator: ", ")); "
                    + "`cellar recipe set \(CentreSurfaceStep.name).classes=NAME` says which class is one")
        }
        try CentreSurface.checkThickness(thicknessInAngstroms, voxelSize: voxelSize)
        return StoredVolume(
            drawn: try DrawnSegmentation(
                self, surfaces, thicknessInAngstroms: thicknessInAngstroms, voxelSize: voxelSize))
    }
}
