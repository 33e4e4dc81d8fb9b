/// Why a tomogram cannot be simulated: one sentence that says which parameter, and what to do.
public struct SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// A parameter is not a number or lies outside what can be simulated.
        case outOfRange
        /// The parameters ask for more than this build is willing to hold in memory.
        case tooLarge
    }

    public let code: Code
    /// The parameter, named as in ``SimulationParameters``.
    public let parameter: String
    /// What is wrong and what to do about it, beginning in lower case.
    public let message: String

    public var description: String { "\(parameter): \(message)" }

    static func outOfRange(_ parameter: String, _ value: Double, _ range: ClosedRange<Double>, unit: String) -> SimulationError {
        let unit = unit.isEmpty ? "" : " \(unit)"
        return SimulationError(
            code: .outOfRange, parameter: parameter,
            message: "\(value)\(unit) cannot be simulated; give a value from \(range.lowerBound) to \(range.upperBound)\(unit)")
    }

    static func outOfRange(_ parameter: String, voxels: Int, _ range: ClosedRange<Int>) -> SimulationError {
        SimulationError(
            code: .outOfRange, parameter: parameter,
            message: "\(voxels) voxels cannot be simulated; give \(range.lowerBound) to \(range.upperBound) along each axis")
    }

    static func tooManyVoxels(limit: Int) -> SimulationError {
        SimulationError(
            code: .tooLarge, parameter: "x, y, z",
            message: "with its margins the tomogram has more than \(limit) voxels; make it smaller, or its voxels larger")
    }

    static func tooMany(_ parameter: String, expected: Double, limit: Double) -> SimulationError {
        SimulationError(
            code: .tooLarge, parameter: parameter,
            message: "about \(Int(expected.rounded())) of them are expected, and \(Int(limit)) is the most; lower the density, "
                + "or make the tomogram smaller")
    }
}
