public import Basics

/// The kinds of ``SimulationError``.
public enum SimulationErrorCode: String, ErrorCode {
    /// A parameter is not a number or lies outside what can be simulated.
    case outOfRange
    /// The parameters ask for more than this build is willing to hold in memory.
    case tooLarge
}

/// Why a tomogram cannot be simulated: one sentence that says which parameter, and what to do.
public typealias SimulationError = CodedError<SimulationErrorCode>

extension SimulationError {
    static func outOfRange(_ parameter: String, _ value: Double, _ range: ClosedRange<Double>, unit: String) -> SimulationError {
        let unit = unit.isEmpty ? "" : " \(unit)"
        return SimulationError(
            .outOfRange,
            "\(value)\(unit) cannot be simulated; give a value from \(range.lowerBound) to \(range.upperBound)\(unit)",
            path: parameter)
    }

    static func outOfRange(_ parameter: String, voxels: Int, _ range: ClosedRange<Int>) -> SimulationError {
        SimulationError(
            .outOfRange, "\(voxels) voxels cannot be simulated; give \(range.lowerBound) to \(range.upperBound) along each axis",
            path: parameter)
    }

    static func tooManyVoxels(limit: Int) -> SimulationError {
        SimulationError(
            .tooLarge, "with its margins the tomogram has more than \(limit) voxels; make it smaller, or its voxels larger",
            path: "x, y, z")
    }

    static func tooManyPixels(limit: Int) -> SimulationError {
        SimulationError(
            .tooLarge,
            "its tilt images have more than \(limit) pixels; make the tomogram smaller, or give a larger step between tilts",
            path: "tiltSeries.stepInDegrees")
    }

    static func tooMany(_ parameter: String, expected: Double, limit: Double) -> SimulationError {
        SimulationError(
            .tooLarge,
            "about \(Int(expected.rounded())) of them are expected, and \(Int(limit)) is the most; lower the density, "
                + "or make the tomogram smaller", path: parameter)
    }
}
