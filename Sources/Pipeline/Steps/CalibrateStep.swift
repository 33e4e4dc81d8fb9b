public import Catalog
public import CatalogSchema
public import Engine
import Volumes

/// Decides the voxel size of a tomogram: the user's, else the header's, else what metadata or a folder's name says, else the default of the
/// dataset.
///
/// It is a step of its own so that a change of the voxel size makes stale exactly the steps that read it. A change of the evidence that leaves
/// the conclusion as it was makes nothing stale (early cut-off).
public struct CalibrateStep: TypedStep {
    public static let name = "calibrate"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "the voxel size, from what user, header, metadata, folder and dataset say"

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
        let effective = declared.effective(header: header)
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

extension Catalog.Results {
    /// The execution that gave the standing result of a step on a scope, with the voxel size that it read from this step; nil where none
    /// stands.
    ///
    /// - Throws: ``CatalogError`` where the catalog no longer knows what the step read.
    public func provenance(step: String, scopeID: Int64) throws -> ResultProvenance? {
        try provenance(
            step: step, scopeID: scopeID, calibration: (CalibrateStep.name, CalibrateStep.outputs.voxelSize.output.name))
    }
}
