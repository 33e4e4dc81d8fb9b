/// A point or a direction, in Å: x, y, z.
typealias Point = SIMD3<Double>

extension SIMD3<Double> {
    @inline(__always)
    func dot(_ other: Self) -> Double { x * other.x + y * other.y + z * other.z }

    func cross(_ other: Self) -> Self {
        Self(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }

    var length: Double { dot(self).squareRoot() }

    /// Of length one; the x axis where the length is zero.
    var normalized: Self {
        let length = length
        return length > 0 ? self / length : Self(1, 0, 0)
    }

    /// A direction at right angles to this one.
    var anyPerpendicular: Self {
        (abs(x) < 0.7 ? cross(Self(1, 0, 0)) : cross(Self(0, 1, 0))).normalized
    }
}

/// An axis-aligned region of space, in Å, ends included.
struct Region: Sendable {
    var lower: Point
    var upper: Point

    func contains(_ point: Point) -> Bool {
        all(point .>= lower) && all(point .<= upper)
    }

    func meets(_ other: Region) -> Bool {
        all(lower .<= other.upper) && all(upper .>= other.lower)
    }

    func expanded(by margin: Double) -> Region { Region(lower: lower - margin, upper: upper + margin) }

    /// In µm³.
    var volumeInCubicMicrometers: Double {
        let size = upper - lower
        return size.x * size.y * size.z * 1e-12
    }
}
