import Engine
import Volumes

/// The voxel size that `calibrate` decided on, stored as `[x, y, z]` in Å; empty where nobody says what it is.
public struct Calibration: Codable, Sendable {
    let voxelSize: VoxelSize?

    init(_ voxelSize: VoxelSize?) { self.voxelSize = voxelSize }

    public init(from decoder: any Decoder) throws {
        let size = try decoder.singleValueContainer().decode([Double].self)
        voxelSize = size.count == 3 ? VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) : nil
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(voxelSize.map { [$0.xInAngstroms, $0.yInAngstroms, $0.zInAngstroms] } ?? [])
    }

    /// The voxel size.
    ///
    /// - Throws: ``PipelineError`` where nobody says what it is.
    func voxelSize(of scope: StepItem.Scope) throws -> VoxelSize {
        guard let voxelSize else {
            throw PipelineError(
                "\(scope.tomogram) has no voxel size, by which particles are known: add it again with --voxel-size, or give its "
                    + "dataset one with --dataset-voxel-size")
        }
        return voxelSize
    }

    /// The side of a pixel of a slice, in Å: the geometric mean of x and y.
    ///
    /// - Throws: ``PipelineError`` where nobody says what it is.
    func pixelSizeInAngstroms(of scope: StepItem.Scope) throws -> Double {
        let size = try voxelSize(of: scope)
        return (size.xInAngstroms * size.yInAngstroms).squareRoot()
    }
}
