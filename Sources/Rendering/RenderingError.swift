public import Basics
import Volumes

/// The kinds of ``RenderingError``.
public enum RenderingErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside its range.
    case invalidParameter
    /// Two things that are drawn on one another differ in size.
    case sizeMismatch
    /// The picture would have more pixels than are drawn here.
    case tooLarge
    /// The picture could not be compressed or written.
    case unwritable
}

/// Why a picture could not be made: one sentence that says what is wrong and what to do.
public typealias RenderingError = CodedError<RenderingErrorCode>

extension RenderingError {
    static func tooLarge(height: Int, width: Int) -> RenderingError {
        RenderingError(
            .tooLarge,
            "a picture of \(width) × \(height) pixels is longer than \(PixelCount.longestSide) along a side; "
                + "choose a smaller maximum side")
    }

    static func sizeMismatch(_ what: String, height: Int, width: Int, expected: (height: Int, width: Int)) -> RenderingError {
        RenderingError(
            .sizeMismatch,
            "\(what) has \(width) × \(height) pixels, and the slice \(expected.width) × \(expected.height); "
                + "give both the same size")
    }

    static func unwritable(_ error: VolumeError) -> RenderingError { RenderingError(.unwritable, error.description) }
}
