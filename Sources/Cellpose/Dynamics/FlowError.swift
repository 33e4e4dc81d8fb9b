public import Basics
internal import ImageProcessing

/// The kinds of ``FlowError``.
public enum FlowErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    case invalidParameter
    /// Images do not have the same size, or not one that the operation can give.
    case invalidSize
    /// Flows or probabilities hold numbers that are not finite.
    case notFinite
    /// There are more objects than labels.
    case tooManyObjects
}

/// Why masks could not be made from flows, or flows from masks: one sentence that says what is wrong and what to do.
public typealias FlowError = CodedError<FlowErrorCode>

extension FlowError {
    /// What was wrong with an image.
    init(_ error: ImageError) {
        switch error.code {
        case .invalidParameter: self.init(.invalidParameter, error.message)
        case .invalidSize: self.init(.invalidSize, error.message)
        }
    }

    static func notFinite(_ what: String, y: Int, x: Int) -> FlowError {
        FlowError(
            .notFinite,
            "the \(what) of row \(y), column \(x) is not a finite number: look for damage in the slice, or in the network's weights"
        )
    }

    static let tooManyObjects = FlowError(
        .tooManyObjects, "the slab has more objects than 32 bits can number; stitch fewer slices, or remove small objects before")
}

extension Image {
    /// - Throws: ``FlowError`` where the sizes differ.
    func requireSize(of other: Image<some Any>, _ what: String, _ whatOther: String) throws(FlowError) {
        guard height == other.height, width == other.width else {
            throw FlowError(
                .invalidSize,
                "\(what) \(width) × \(height) pixels and \(whatOther) \(other.width) × \(other.height), but they must have the "
                    + "same; resize one of them")
        }
    }
}

extension Image<Float> {
    /// - Throws: ``FlowError`` where a pixel is NaN or infinite.
    func requireFinite(_ what: String) throws(FlowError) {
        guard let index = values.firstIndex(where: { !$0.isFinite }) else { return }
        throw .notFinite(what, y: index / width, x: index % width)
    }
}
