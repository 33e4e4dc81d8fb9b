import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Separates structure from ground in a slice: smooths its feature map, and applies Otsu's threshold, or a threshold relative to the local mean.
/// What lies outside of the sample, as `extent` found it, is ground (``SampleCut``).
public struct MaskStep: TypedStep {
    public static let name = "mask"
    public static let version = 3
    public static let scope = ScopeKind.slice
    public static let summary = "foreground by a threshold"
    public static let runsOnlyWhereRead = true

    enum Method: String, CaseIterable, Sendable { case otsu, adaptive }

    public struct Parameters: Sendable {
        let method = Parameter<Method>.choice("method", default: .otsu, "one threshold for the slice, or one for each pixel")
        let smoothingSize = Parameter.integer(
            "smoothing.size", default: 5, in: 1...101, "side of the Gaussian filter before, in pixels; odd")
        let smoothingSigma = Parameter.real(
            "smoothing.sigma", default: 1.1, in: 0.1...50, "its standard deviation, in pixels")
        let block = Parameter.integer(
            "block", default: 51, in: 3...511, "side of the neighbourhood of the local mean, in pixels; odd")
        let offset = Parameter.real(
            "offset", default: 3, in: -255...255, "grey levels of 255 by which structure exceeds the local mean")
        let sample = SampleCut.Parameters(SampleCut.Voxels.ground, "what becomes of pixels outside of the sample")
    }
    public struct Inputs: Sendable {
        let z = Input.z
        let maps = Input(each: ConsistencyStep.self, \.maps)
        let sample = SampleCut.Inputs()
    }
    public struct Outputs: Sendable {
        package let mask = ArtifactOutput<SliceMask>("mask", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let parameters = item.parameters
        let z = try item.inputs.z.lowerBound
        let map = try item.inputs.maps.map(z: z)
        let kernel = try GaussianKernel(size: parameters.smoothingSize, sigma: parameters.smoothingSigma)
        let smooth = try EightBitConversion(low: 0, high: 1)(map.blurred(by: kernel))
        let found =
            switch try parameters.method {
            case .otsu: smooth.thresholded(above: smooth.otsuThreshold())
            case .adaptive: try AdaptiveThreshold(blockSize: parameters.block, offset: parameters.offset)(smooth)
            }
        let mask = try SampleCut(item.inputs.sample, parameters.sample)?.cut(found, z: z) ?? found
        try item.give(\.mask, SliceMask(mask))
        item.record("foreground/fraction", Double(mask.foregroundCount) / Double(mask.height * mask.width))
    }
}
