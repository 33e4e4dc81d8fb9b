import Engine
import Volumes

extension StepItem {
    /// What `calibrate` decided.
    ///
    /// - Throws: ``PipelineError`` where nobody says what the voxel size is.
    func voxelSize() throws -> VoxelSize {
        let size = try value([Double].self, of: "calibrate", named: "voxel-size")
        guard size.count == 3, let size = VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) else {
            throw PipelineError(
                "\(scope.tomogram) has no voxel size, by which particles are known: add it again with --voxel-size, or give its "
                    + "dataset one with --dataset-voxel-size")
        }
        return size
    }

    /// The side of a pixel of a slice, in Å: the geometric mean of x and y.
    func pixelSizeInAngstroms() throws -> Double {
        let size = try voxelSize()
        return (size.xInAngstroms * size.yInAngstroms).squareRoot()
    }
}
