internal import ImageProcessing
internal import Volumes

/// Why something cannot be measured: one sentence that says what is wrong and what to do.
public struct MetricsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// A parameter lies outside the range that a measure is defined for.
        case invalidParameter
        /// Sizes differ, or there are more or fewer slices than the volume has.
        case invalidSize
        /// A coordinate, a score or a density is no number.
        case invalidInput
        /// A label is not in the class map.
        case unknownLabel
    }

    public let code: Code
    /// What is wrong and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func parameter(_ name: String, _ value: some CustomStringConvertible, mustBe range: String) -> MetricsError {
        MetricsError(.invalidParameter, "\(name) is \(value), but must be \(range)")
    }

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
