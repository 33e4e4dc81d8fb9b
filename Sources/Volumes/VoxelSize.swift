import Foundation

/// The edge lengths of a voxel in Å.
///
/// Every voxel size is plausible: each edge lies in ``plausibleRange``. If a header gives another one (zero, negative,
/// absurd), the voxel size is nil.
public struct VoxelSize: Hashable, Sendable {
    public let xInAngstroms: Double
    public let yInAngstroms: Double
    public let zInAngstroms: Double

    /// The plausible edge lengths in Å of a voxel of a tomogram or a density map.
    public static let plausibleRange = 0.01...10_000.0

    /// Returns nil if an edge is not a plausible length.
    public init?(xInAngstroms: Double, yInAngstroms: Double, zInAngstroms: Double) {
        guard [xInAngstroms, yInAngstroms, zInAngstroms].allSatisfy(Self.plausibleRange.contains) else { return nil }
        self.xInAngstroms = xInAngstroms
        self.yInAngstroms = yInAngstroms
        self.zInAngstroms = zInAngstroms
    }

    /// A cubic voxel; nil if the edge is not a plausible length.
    public init?(cubicInAngstroms edge: Double) {
        self.init(xInAngstroms: edge, yInAngstroms: edge, zInAngstroms: edge)
    }

    /// The edge lengths along x, y and z in Å. The product with a position (x, y, z) in voxels is that position in Å.
    public var vectorInAngstroms: SIMD3<Double> { SIMD3(xInAngstroms, yInAngstroms, zInAngstroms) }

    /// The volume of a voxel in Å³.
    public var volumeInCubicAngstroms: Double { xInAngstroms * yInAngstroms * zInAngstroms }

    /// The volume of a voxel in nm³.
    public var volumeInCubicNanometers: Double { volumeInCubicAngstroms / 1000 }

    /// The edge length in Å of a cube of the same volume: the geometric mean of the three edge lengths.
    public var meanInAngstroms: Double {
        // Exact for cubic voxels, where the root of the product may differ in the last digit.
        xInAngstroms == yInAngstroms && yInAngstroms == zInAngstroms ? xInAngstroms : cbrt(volumeInCubicAngstroms)
    }

    /// Whether two voxel sizes differ by at most 10⁻³ (relative) along each axis. Headers and people round this much.
    public func agrees(with other: VoxelSize) -> Bool {
        func close(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-3 * max(a, b) }
        return close(xInAngstroms, other.xInAngstroms) && close(yInAngstroms, other.yInAngstroms)
            && close(zInAngstroms, other.zInAngstroms)
    }
}

extension VoxelSize: CustomStringConvertible {
    public var description: String {
        xInAngstroms == yInAngstroms && yInAngstroms == zInAngstroms
            ? "\(xInAngstroms) Å" : "\(xInAngstroms) × \(yInAngstroms) × \(zInAngstroms) Å"
    }
}

/// A unit of length that files give for their voxel sizes.
enum LengthUnit: CaseIterable, Sendable {
    case picometer, angstrom, nanometer, micrometer, millimeter, centimeter, inch, meter

    /// The length of the unit in Å.
    var inAngstroms: Double {
        switch self {
        case .picometer: 0.01
        case .angstrom: 1
        case .nanometer: 10
        case .micrometer: 1e4
        case .millimeter: 1e7
        case .centimeter: 1e8
        case .inch: 2.54e8
        case .meter: 1e10
        }
    }

    /// The names that occur in files, in lower case.
    private var names: [String] {
        switch self {
        case .picometer: ["pm", "picometer", "picometers", "picometre", "picometres"]
        case .angstrom: ["å", "a", "ang", "angstrom", "angstroms", "ångström"]
        case .nanometer: ["nm", "nanometer", "nanometers", "nanometre", "nanometres"]
        // The micro sign (U+00B5) and the Greek letter mu (U+03BC) look alike.
        case .micrometer:
            [
                "um", "\u{b5}m", "\u{3bc}m", "micrometer", "micrometers", "micrometre", "micrometres", "micron", "microns",
            ]
        case .millimeter: ["mm", "millimeter", "millimeters", "millimetre", "millimetres"]
        case .centimeter: ["cm", "centimeter", "centimeters", "centimetre", "centimetres"]
        case .inch: ["inch", "inches"]
        case .meter: ["m", "meter", "meters", "metre", "metres"]
        }
    }

    private static let unitsByName = Dictionary(uniqueKeysWithValues: allCases.flatMap { unit in unit.names.map { ($0, unit) } })

    /// The unit of this name, in small or capital letters; nil where it is no unit of length that is known.
    ///
    /// - Complexity: one look-up in a dictionary.
    init?(named name: some StringProtocol) {
        guard let unit = Self.unitsByName[name.lowercased()] else { return nil }
        self = unit
    }
}
