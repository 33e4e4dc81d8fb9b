public import CatalogSchema
public import Engine
import Foundation
import Volumes

/// Decides the voxel size of a tomogram: the user's, else the header's, else the default of the dataset.
///
/// It is a step of its own so that a change of the voxel size makes stale exactly the steps that read it. A change of the evidence that leaves
/// the conclusion as it was makes nothing stale (early cut-off).
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

/// The output `voxel-size` of `calibrate`: stored as `[x, y, z]` in Å, or as `[]` where the voxel size is not known.
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
    /// - Parameter scope: of the item, for the message.
    /// - Throws: ``PipelineError`` where it is not known.
    func voxelSize(of scope: StepItem.Scope) throws -> VoxelSize {
        guard let voxelSize else {
            throw PipelineError(
                "\(scope.tomogram) has no voxel size, by which particles are known: add it again with --voxel-size, or give its "
                    + "dataset one with --dataset-voxel-size")
        }
        return voxelSize
    }

    /// The side of a pixel of a slice in Å: √(x · y).
    ///
    /// - Throws: ``PipelineError`` where the voxel size is not known.
    func pixelSizeInAngstroms(of scope: StepItem.Scope) throws -> Double {
        let size = try voxelSize(of: scope)
        return (size.xInAngstroms * size.yInAngstroms).squareRoot()
    }
}

extension VoxelSize {
    /// The volume of a voxel in nm³.
    var volumeInCubicNanometers: Double { xInAngstroms * yInAngstroms * zInAngstroms / 1000 }

    /// The side in Å of a cube of a voxel's volume: the geometric mean of the three sides.
    var meanInAngstroms: Double {
        // Exact for cubic voxels, where the root of the product may differ in the last digit.
        xInAngstroms == yInAngstroms && yInAngstroms == zInAngstroms
            ? xInAngstroms : cbrt(xInAngstroms * yInAngstroms * zInAngstroms)
    }

    /// A position in voxels: x, y, z in Å, divided by the voxel size.
    func voxels(_ position: SIMD3<Double>) -> SIMD3<Double> { position / SIMD3(xInAngstroms, yInAngstroms, zInAngstroms) }
}
