/// What is summed up over the voxels of an object, in voxels.
struct ObjectSums: Sendable {
    let classIndex: UInt8
    var voxels = 0
    /// Σ x, Σ y, Σ z
    private var first = SIMD3<Double>.zero
    /// Σ x², Σ y², Σ z² and Σ xy, Σ yz, Σ zx
    private var squares = SIMD3<Double>.zero
    private var products = SIMD3<Double>.zero
    private(set) var minimum = SIMD3<Int>(repeating: .max)
    private(set) var maximum = SIMD3<Int>(repeating: .min)
    var density = 0.0
    /// Å²
    var area = 0.0

    init(classIndex: UInt8) { self.classIndex = classIndex }

    mutating func add(run xs: Range<Int>, y: Int, z: Int) {
        let count = Double(xs.count)
        let (a, b) = (Double(xs.lowerBound), Double(xs.upperBound - 1))
        let sum = count * (a + b) / 2
        // Σ of squares of whole numbers from a to b.
        let square = count * (a * a + a * b + b * b) / 3 + (b - a) * count / 6
        let (y, z) = (Double(y), Double(z))
        voxels += xs.count
        first += SIMD3(sum, count * y, count * z)
        squares += SIMD3(square, count * y * y, count * z * z)
        products += SIMD3(sum * y, count * y * z, sum * z)
        minimum = pointwiseMin(minimum, SIMD3(xs.lowerBound, Int(y), Int(z)))
        maximum = pointwiseMax(maximum, SIMD3(xs.upperBound - 1, Int(y), Int(z)))
    }

    mutating func add(_ other: ObjectSums) {
        voxels += other.voxels
        first += other.first
        squares += other.squares
        products += other.products
        minimum = pointwiseMin(minimum, other.minimum)
        maximum = pointwiseMax(maximum, other.maximum)
        density += other.density
        area += other.area
    }

    /// The mean place, in voxels.
    var centroid: SIMD3<Double> { first / Double(voxels) }

    /// The covariance of places as (xx, yy, zz) and (xy, yz, zx), in Å², each voxel a box and not a point.
    func covariance(_ edges: SIMD3<Double>) -> (diagonal: SIMD3<Double>, others: SIMD3<Double>) {
        let (n, mean) = (Double(voxels), centroid)
        let next = SIMD3(mean.y, mean.z, mean.x)
        return (
            (squares / n - mean * mean + 1.0 / 12) * edges * edges,
            (products / n - mean * next) * edges * SIMD3(edges.y, edges.z, edges.x)
        )
    }
}
