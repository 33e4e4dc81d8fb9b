import BlobStore
public import CatalogSchema
public import Engine
import ImageProcessing
import Volumes

/// Tells structure from ground in a slice: its map, smoothed, against a local mean or one threshold.
public struct MaskStep: Step {
    public let name = "mask"
    public let version = 2
    public let scope = ScopeKind.slice
    public let summary = "foreground by a threshold"
    public let parameters: [Parameter] = [
        .choice("method", default: "otsu", of: ["otsu", "adaptive"], "one threshold for the slice, or one for each pixel"),
        .integer("smoothing.size", default: 5, in: 1...101, "side of the Gaussian filter before, in pixels; odd"),
        .real("smoothing.sigma", default: 1.1, in: 0.1...50, "its standard deviation, in pixels"),
        .integer("block", default: 51, in: 3...511, "side of the neighbourhood of the local mean, in pixels; odd"),
        .real("offset", default: 3, in: -255...255, "grey levels of 255 by which structure exceeds the local mean"),
    ]
    public let inputs = [StepInput.fact(.z), .output(of: "consistency", named: "maps")]
    public let outputs = [StepOutput.artifact("mask", evictable: true)]

    public init() {}

    public func run(_ item: StepItem) throws {
        let map = try ConsistentMaps.map(of: item)
        let kernel = try GaussianKernel(size: item.integer("smoothing.size"), sigma: item.real("smoothing.sigma"))
        let smooth = try EightBitConversion(low: 0, high: 1)(map.blurred(by: kernel))
        let mask: Mask
        if try item.text("method") == "otsu" {
            mask = smooth.thresholded(above: smooth.otsuThreshold())
        } else {
            mask = try AdaptiveThreshold(blockSize: item.integer("block"), offset: item.real("offset"))(smooth)
        }
        try item.give("mask", artifact: MapArtifact.mask) { artifact in
            try artifact.write("mask", shape: [mask.height, mask.width], values: mask.bytes().values)
        }
        item.record("foreground/fraction", Double(mask.foregroundCount) / Double(mask.height * mask.width))
    }
}
