public import CatalogSchema
public import Engine
import Volumes

/// Decides the voxel size: what the user says, else what the header says, else what the dataset says.
///
/// A step of its own, so that what depends on the voxel size becomes stale when it changes, and nothing else: neither
/// when the evidence changes and the conclusion does not, nor for what never used it.
public struct CalibrateStep: TypedStep {
    public static let name = "calibrate"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "the voxel size, from what user, header and dataset say"

    public struct Inputs: Sendable {
        let declared = Input.declaredVoxelSize
        let header = Input(DescribeStep.self, \.header)
    }
    public struct Outputs: Sendable {
        let voxelSize = ValueOutput<Calibration>("voxel-size")
    }
    public static let (inputs, outputs) = (Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let declared = try item.inputs.declared
        let header = try item.inputs.header.voxelSize.flatMap { size in
            size.count == 3 ? VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) : nil
        }
        let effective = declared.user ?? header ?? declared.dataset
        try item.give(\.voxelSize, Calibration(effective))
        if let effective {
            item.record("voxel_size_x", effective.xInAngstroms)
            item.record("voxel_size_y", effective.yInAngstroms)
            item.record("voxel_size_z", effective.zInAngstroms)
        }
    }
}
