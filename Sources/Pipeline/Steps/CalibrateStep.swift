public import CatalogSchema
public import Engine
import Foundation
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
    func voxels(_ place: SIMD3<Double>) -> SIMD3<Double> { place / SIMD3(xInAngstroms, yInAngstroms, zInAngstroms) }
}
