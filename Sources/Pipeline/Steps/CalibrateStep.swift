public import CatalogSchema
public import Engine
import Volumes

/// Decides the voxel size: what the user says, else what the header says, else what the dataset says.
///
/// A step of its own, so that what depends on the voxel size becomes stale when it changes, and nothing else: neither
/// when the evidence changes and the conclusion does not, nor for what never used it.
public struct CalibrateStep: Step {
    public let name = "calibrate"
    public let version = 1
    public let scope = ScopeKind.tomogram
    public let summary = "the voxel size, from what user, header and dataset say"
    public let inputs = [StepInput.fact(.declaredVoxelSize), .output(of: "describe", named: "header")]
    public let outputs = [StepOutput.value("voxel-size")]

    public init() {}

    public func run(_ item: StepItem) throws {
        let declared = try item.declaredVoxelSize()
        let header = try item.value(HeaderDescription.self, of: "describe", named: "header").voxelSize.flatMap { size in
            size.count == 3 ? VoxelSize(xInAngstroms: size[0], yInAngstroms: size[1], zInAngstroms: size[2]) : nil
        }
        let effective = declared.user ?? header ?? declared.dataset
        try item.give(
            "voxel-size", value: effective.map { [$0.xInAngstroms, $0.yInAngstroms, $0.zInAngstroms] } ?? [Double]())
        if let effective {
            item.record("voxel_size_x", effective.xInAngstroms)
            item.record("voxel_size_y", effective.yInAngstroms)
            item.record("voxel_size_z", effective.zInAngstroms)
        }
    }
}
