import ArgumentParser
import CellarKit
import Foundation
import Simulation

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

/// The full width of a drawn membrane in Å.
enum SheetThickness: RealQuantity { static let range = 0.01...1000 }

/// The least score of what is in a mask.
enum ScoreThreshold: RealQuantity { static let range = -1e9...1e9 }

/// The edge of a pixel in Å.
enum PixelSize: RealQuantity { static let range = VoxelSize.plausibleRange }

/// How sure a network is.
enum Confidence: RealQuantity { static let range = 0.0...1 }

/// A number of bytes as people write it: `500M`, `20G`, `1.5TiB`, in powers of 1024.
struct ByteCount: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        guard let match = argument.uppercased().wholeMatch(of: /([0-9]+(?:\.[0-9]+)?)\s*([KMGTP]?)(?:I?B)?/),
            let number = Double(match.1)
        else { return nil }
        let power = ["": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5][String(match.2)] ?? 0
        let value = (0..<power).reduce(number) { product, _ in product * 1024 }
        guard let bytes = Int(exactly: value.rounded()) else { return nil }
        self.bytes = bytes
    }
}

/// The edge of a voxel in Å.
enum SimulatedVoxelSize: RealQuantity { static let range = SimulationParameters.voxelSizesInAngstroms }

enum SimulatedRatio: RealQuantity { static let range = SimulationParameters.signalToNoiseRatios }

/// A size as people write it: `256,256,64`.
struct VolumeSize: ExpressibleByArgument, CustomStringConvertible {
    /// As large as can be simulated.
    private typealias Axis = WholeNumber<8, 16_384>

    let x: Int
    let y: Int
    let z: Int

    init(x: Int, y: Int, z: Int) {
        self.x = x
        self.y = y
        self.z = z
    }

    init?(argument: String) {
        let axes = argument.split(separator: ",", omittingEmptySubsequences: false).map { Axis(argument: String($0)) }
        guard axes.count == 3, let x = axes[0], let y = axes[1], let z = axes[2] else { return nil }
        self.init(x: x.value, y: y.value, z: z.value)
    }

    static var allValueStrings: [String] { ["x,y,z, each \(Axis.allValueStrings[0])"] }
    var description: String { "\(x),\(y),\(z)" }
}

/// The id of something that has no name: `3` or `id:3`.
struct ItemNumber: ExpressibleByArgument {
    let id: Int64

    init?(argument: String) {
        if case .id(let id) = CatalogReference(argument) {
            self.id = id
        } else if let id = Int64(argument) {
            self.id = id
        } else {
            return nil
        }
    }
}

/// A range of slices as people write it: `200..<300`.
struct SliceRange: ExpressibleByArgument {
    let range: Range<Int>

    init?(argument: String) {
        guard let match = argument.wholeMatch(of: /\s*(\d+)\s*\.\.<\s*(\d+)\s*/), let first = Int(match.1),
            let end = Int(match.2),
            first < end
        else { return nil }
        range = first..<end
    }
}
