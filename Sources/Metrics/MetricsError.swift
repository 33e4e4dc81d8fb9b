public import Basics
internal import ImageProcessing
internal import Volumes

/// The kinds of ``MetricsError``.
public enum MetricsErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that a measure is defined for.
    case invalidParameter
    /// Sizes differ, or there are more or fewer slices than the volume has.
    case invalidSize
    /// A coordinate, a score or a density is no number.
    case invalidInput
    /// A label is not in the class map.
    case unknownLabel
}

/// Why something cannot be measured: one sentence that says what is wrong and what to do.
public typealias MetricsError = CodedError<MetricsErrorCode>

extension MetricsError {
    static func slice(_ z: Int, _ slice: Image<some Any>, doesNotFit shape: VolumeShape) -> MetricsError {
        MetricsError(
            .invalidSize,
            "slice \(z) of \(slice.width) × \(slice.height) pixels does not fit a volume of \(shape) voxels; "
                + "compare and measure what has one shape")
    }

    static func missingSlices(_ depth: Int, of shape: VolumeShape) -> MetricsError {
        MetricsError(
            .invalidSize, "only \(depth) slices of a volume of \(shape) voxels were added; add all before its result is asked for"
        )
    }

    static func unknownLabel(_ label: UInt8, _ where: String) -> MetricsError {
        MetricsError(.unknownLabel, "the label \(label) of \(`where`) is no class; name it, or have it ignored")
    }
}

extension Image {
    /// - Throws: ``MetricsError`` where the sizes differ.
    func requireSize(of other: Image<some Any>, _ name: String) throws(MetricsError) {
        guard height == other.height, width == other.width else {
            throw MetricsError(
                .invalidSize,
                "the \(name) has \(width) × \(height) pixels, and the prediction \(other.width) × \(other.height); "
                    + "crop or resample one of them"
            )
        }
    }

    /// - Throws: ``MetricsError`` where this is no slice z of a volume.
    func requireSlice(_ z: Int, of shape: VolumeShape) throws(MetricsError) {
        guard height == shape.y, width == shape.x, z < shape.z else { throw .slice(z, self, doesNotFit: shape) }
    }
}

/// Does what an operation on images does, and says why not as the metrics do: for sizes that were checked before.
func withMetricsError<Result>(_ body: () throws(ImageError) -> Result) throws(MetricsError) -> Result {
    do { return try body() } catch { throw MetricsError(.invalidSize, error.message) }
}
