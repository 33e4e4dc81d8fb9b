/// The part of a tomogram that is specimen.
public struct Lamella: Hashable, Codable, Sendable {
    /// Where it begins and ends, in Å along z from the centre of the first slice.
    public let lowerInAngstroms: Double
    public let upperInAngstroms: Double
    /// By what part densities inside vary more than outside: 0.2 for a standard deviation of 1.2 of that outside.
    public let contrast: Double

    public var thicknessInAngstroms: Double { upperInAngstroms - lowerInAngstroms }
}
