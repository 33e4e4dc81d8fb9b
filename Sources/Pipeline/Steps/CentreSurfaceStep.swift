public import CatalogSchema
public import Engine
import Volumes

/// Finds the centre surfaces of membranes in the segmentation of the U-Net, around which they can be drawn at any thickness.
///
/// They are found in the labels, and not in the probabilities, which `gc` may drop.
public struct CentreSurfaceStep: TypedStep {
    public static let name = "centre-surface"
    public static let version = 1
    public static let scope = ScopeKind.tomogram
    public static let summary = "the middle of membranes, as a surface, whatever the thickness that the network gave them"

    public struct Parameters: Sendable {
        let classes = Parameter.text(
            "classes", default: PseudoLabels.membrane,
            "the classes that are sheets, with commas between them; all others stay as they are")
    }
    public struct Inputs: Sendable {
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let segmentation = Input(SegmentStep.self, \.labels)
    }
    public struct Outputs: Sendable {
        package let surfaces = ArtifactOutput<CentreSurfaces>("surfaces", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let (segmentation, classes) = (try item.inputs.segmentation, try item.parameters.classes.words)
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        try item.give(\.surfaces) { artifact in
            try CentreSurfaces.write(of: segmentation, classes: classes, voxelSize: voxelSize, to: artifact) { z in
                try item.checkCancellation()
                item.report(Double(z) / Double(segmentation.shape.z), "slice \(z) of \(segmentation.shape.z)")
            }
        }
    }
}
