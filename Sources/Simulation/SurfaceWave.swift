import Foundation

/// One cosine of a wavy surface. At the position (u, v) of the surface's mean plane, in Å, its height in Å is
/// amplitude · cos(x · u + y · v + phase).
struct SurfaceWave: Codable, Hashable, Sendable {
    /// The angular frequency along u, in Å⁻¹.
    let x: Double
    /// The angular frequency along v, in Å⁻¹.
    let y: Double
    let phase: Double
    /// In Å.
    let amplitude: Double
}

extension [SurfaceWave] {
    /// The sum of the heights of all waves at (u, v), in Å.
    func height(_ u: Double, _ v: Double) -> Double {
        reduce(0) { $0 + $1.amplitude * cos($1.x * u + $1.y * v + $1.phase) }
    }
}
