import Volumes

/// Why a picture could not be made: one sentence that says what is wrong and what to do.
public struct RenderingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// A parameter lies outside its range.
        case invalidParameter
        /// Two things that are drawn on one another differ in size.
        case sizeMismatch
        /// The picture would have more pixels than are drawn here.
        case tooLarge
        /// The picture could not be compressed or written.
        case unwritable
    }

    public let code: Code
    /// What is wrong and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func tooLarge(height: Int, width: Int) -> RenderingError {
        RenderingError(
            .tooLarge,
            "a picture of \(width) × \(height) pixels is longer than \(PixelCount.longestSide) along a side; "
                + "choose a smaller maximum side")
    }

    static func sizeMismatch(_ what: String, height: Int, width: Int, expected: (height: Int, width: Int)) -> RenderingError {
        RenderingError(
            .sizeMismatch,
            "\(what) has \(width) × \(height) pixels, but the slice has \(expected.width) × \(expected.height)")
    }

    static func unwritable(_ error: VolumeError) -> RenderingError { RenderingError(.unwritable, error.description) }
}
