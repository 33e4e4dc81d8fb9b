import BenchmarkSupport

/// Measures compartments and descriptors, with made-up vesicles, boxes and rows; describes boxes for `kinds.py`.
///
///     mining-benchmark vesicles [SEED] [NOISE] [MIB]
///     mining-benchmark large [MIB]
///     mining-benchmark membranes [VOXEL]
///     mining-benchmark search [ROWS] [COMPONENTS]
///     mining-benchmark describe-time
///     mining-benchmark describe IN OUT VOXEL RADIUS TILT PARTS
///     mining-benchmark side VOXEL RADIUS
///     mining-benchmark average BOXES SIDE VOXEL RADIUS TILT OUT
///     mining-benchmark kinds ROWS COMPONENTS KINDS
///     mining-benchmark kinds-time [ROWS] [COMPONENTS] [KINDS]
///
/// NOISE is the greatest displacement of a membrane in voxels of 1 nm, MIB the memory that the search for compartments may have.
/// IN holds boxes and OUT receives rows of components, both float32 without a header, little-endian as the machine is. VOXEL and
/// RADIUS are in Å. TILT is the greatest tilt in degrees, 90 where nothing is missing. PARTS is a list with commas.
@main
struct MiningBenchmark {
    static let usage = """
        mining-benchmark vesicles [SEED] [NOISE] [MIB] | large [MIB] | membranes [VOXEL] | search [ROWS] [COMPONENTS] | describe-time
                   | describe IN OUT VOXEL RADIUS TILT PARTS | side VOXEL RADIUS
                   | average BOXES SIDE VOXEL RADIUS TILT OUT | kinds ROWS COMPONENTS KINDS | kinds-time [ROWS] [COMPONENTS] [KINDS]
        """

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst(2))
        switch (CommandLine.arguments.dropFirst().first, arguments.count) {
        case ("vesicles", ...3):
            let noise = number(arguments, 1, otherwise: 3.0, in: 0...20)
            try CompartmentBenchmark(memoryInMebibytes: number(arguments, 2, otherwise: 512, in: 1...65_536))
                .vesicles(seed: number(arguments, 0, otherwise: 1, in: 0...UInt64.max), noise: noise)
        case ("large", ...1):
            try CompartmentBenchmark(memoryInMebibytes: number(arguments, 0, otherwise: 512, in: 1...65_536)).large()
        case ("membranes", ...1):
            try MembraneBenchmark(angstromsPerVoxel: number(arguments, 0, otherwise: 10, in: 4...40)).shapes()
        case ("search", ...2):
            try DescriptorBenchmark.search(
                rows: number(arguments, 0, otherwise: 1_000_000, in: 1...100_000_000),
                components: number(arguments, 1, otherwise: 96, in: 1...4096))
        case ("describe-time", 0):
            try DescriptorBenchmark.describeTime()
        case ("describe", 6):
            try DescriptorBenchmark.describe(
                boxes: arguments[0], rows: arguments[1], voxelSize: required(arguments[2]), radius: required(arguments[3]),
                tilt: required(arguments[4]), parts: arguments[5])
        case ("average", 6):
            try AverageBenchmark.average(
                boxes: arguments[0], side: Int(required(arguments[1])), voxelSize: required(arguments[2]),
                radius: required(arguments[3]),
                tilt: required(arguments[4]), output: arguments[5])
        case ("kinds", 3):
            try KindBenchmark.find(rows: arguments[0], dimension: Int(required(arguments[1])), kinds: arguments[2])
        case ("kinds-time", ...3):
            try KindBenchmark.time(
                rows: number(arguments, 0, otherwise: 100_000, in: 100...10_000_000),
                components: number(arguments, 1, otherwise: 84, in: 2...1024),
                kinds: number(arguments, 2, otherwise: 6, in: 1...50))
        case ("side", 2):
            print(try DescriptorBenchmark.side(voxelSize: required(arguments[0]), radius: required(arguments[1])))
        default:
            Report.fail(usage: usage)
        }
    }

    /// An argument that may be missing. Ends the program where it is no number, or out of range.
    private static func number<Number: LosslessStringConvertible & Comparable>(
        _ arguments: [String], _ index: Int, otherwise standard: Number, in range: ClosedRange<Number>
    ) -> Number {
        guard index < arguments.count else { return standard }
        guard let number = Number(arguments[index]), range.contains(number) else { Report.fail(usage: usage) }
        return number
    }

    private static func required(_ argument: String) -> Double {
        guard let number = Double(argument), number.isFinite else { Report.fail(usage: usage) }
        return number
    }
}
