import ArgumentParser
import Foundation

/// A whole number from `lowest` to `highest`, as the value of an option.
///
/// A number outside is refused when the command line is read, and the help says what is possible, so that no command has to
/// check it:
///
/// ```swift
/// @Option(help: "How many slabs.") var count: WholeNumber<1, 1000> = 3
/// ```
struct WholeNumber<let lowest: Int, let highest: Int>: ExpressibleByArgument, ExpressibleByIntegerLiteral, CustomStringConvertible
{
    let value: Int

    /// - Precondition: a literal in the program lies in the range.
    init(integerLiteral value: Int) {
        precondition(lowest <= value && value <= highest, "\(value) is not from \(lowest) to \(highest)")
        self.value = value
    }

    init?(argument: String) {
        guard let value = Int(argument), lowest <= value, value <= highest else { return nil }
        self.value = value
    }

    static var allValueStrings: [String] { ["\(lowest) to \(highest)"] }
    var description: String { "\(value)" }
}

/// What a real number is that an option takes.
protocol RealQuantity {
    static var range: ClosedRange<Double> { get }
}

/// A real number in the range of a quantity, as the value of an option; never infinite, nor not a number.
///
/// ```swift
/// @Option(help: "The radius in Å.") var radius: RealNumber<ParticleRadius>?
/// ```
struct RealNumber<Quantity: RealQuantity>: ExpressibleByArgument, ExpressibleByFloatLiteral, CustomStringConvertible {
    let value: Double

    /// - Precondition: a literal in the program lies in the range.
    init(floatLiteral value: Double) {
        precondition(Quantity.range.contains(value), "\(value) is not in \(Quantity.range)")
        self.value = value
    }

    init?(argument: String) {
        guard let value = Double(argument), Quantity.range.contains(value) else { return nil }
        self.value = value
    }

    static var allValueStrings: [String] {
        [String(format: "%g to %g", Quantity.range.lowerBound, Quantity.range.upperBound)]
    }
    var description: String { "\(value)" }
}

/// How long something may take, in seconds: up to 30 years.
enum TimeLimit: RealQuantity { static let range = 0.001...1e9 }

/// The radius of a particle in Å.
enum ParticleRadius: RealQuantity { static let range = 0.1...100_000 }

/// How sure a network is.
enum Confidence: RealQuantity { static let range = 0.0...1 }
