extension SIMD3<Double> {
    /// The cross product: perpendicular to both vectors, right-handed.
    @inlinable
    public func cross(_ other: Self) -> Self {
        Self(y * other.z - z * other.y, z * other.x - x * other.z, x * other.y - y * other.x)
    }
}
