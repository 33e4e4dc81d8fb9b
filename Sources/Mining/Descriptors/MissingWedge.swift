public import Basics
internal import Foundation

/// The part of Fourier space that a tilt series about one axis does not measure.
///
/// The image at the tilt θ measures the plane through the origin that holds the tilt axis and the direction at the angle θ from
/// the plane of the slices. What is beyond the last tilts is missing. Frequencies (x, y, z) are in any unit; only their direction
/// matters.
///
/// ```swift
/// let wedge = try MissingWedge(tiltsInDegrees: -60...60)   // about y
/// wedge.isMeasured(SIMD3(0, 0, 1))                          // false: along the beam
/// ```
public struct MissingWedge: Hashable, Sendable {
    /// The first and the last tilt in degrees, in −90 … 90.
    public let tiltsInDegrees: ClosedRange<Double>
    /// The angle in degrees of the tilt axis with y, in the plane of the slices, positive towards x. 0 is the axis y.
    public let axisInDegrees: Double

    /// No wedge: everything is measured.
    public static let none = MissingWedge(everything: ())

    private init(everything: ()) { (tiltsInDegrees, axisInDegrees) = (-90...90, 0) }

    /// - Throws: ``MiningError`` where a tilt is outside of −90 … 90°, the tilts span less than 10°, or the axis is not in
    ///   −360 … 360°.
    public init(tiltsInDegrees: ClosedRange<Double>, axisInDegrees: Double = 0) throws(MiningError) {
        let (first, last) = (tiltsInDegrees.lowerBound, tiltsInDegrees.upperBound)
        guard first >= -90, last <= 90, last - first >= 10 else {
            throw .parameter("the range of tilts", "\(first) … \(last)", mustBe: "10° or more within −90 … 90°")
        }
        guard (-360.0...360).contains(axisInDegrees) else {
            throw .parameter("the angle of the tilt axis", axisInDegrees, mustBe: "−360 … 360°")
        }
        (self.tiltsInDegrees, self.axisInDegrees) = (tiltsInDegrees, axisInDegrees)
    }

    /// Whether nothing is missing.
    public var isEmpty: Bool { tiltsInDegrees.upperBound - tiltsInDegrees.lowerBound >= 180 }

    /// Whether some image of the series measures a frequency (x, y, z). The axis itself, and 0, are measured.
    public func isMeasured(_ frequency: SIMD3<Double>) -> Bool {
        guard !isEmpty else { return true }
        let axis = axisInDegrees * .pi / 180
        let across = frequency.x * cos(axis) - frequency.y * sin(axis)
        let length = (frequency * frequency).sum().squareRoot()
        guard (across * across + frequency.z * frequency.z).squareRoot() > 1e-9 * length else { return true }
        // A direction and its opposite are one: −90 < tilt ≤ 90.
        var tilt = across == 0 ? 90 : atan(frequency.z / across) * 180 / .pi
        if abs(tilt) > 90 - 1e-9 { tilt = 90 }
        let limits = (tiltsInDegrees.lowerBound - 1e-6)...(tiltsInDegrees.upperBound + 1e-6)
        return limits.contains(tilt) || (tilt == 90 && limits.contains(-90))
    }
}
