import Foundation

/// A connected part of a class, measured.
public struct MeasuredObject: Hashable, Codable, Sendable {
    public let className: String
    public let voxels: Int
    public let volumeInCubicNanometers: Double
    /// The mean place of its voxels' centres (x, y, z), from the centre of the volume's first voxel.
    public let centroidInAngstroms: SIMD3<Double>
    /// Its box, to the outer faces of its voxels: an object of one voxel is an edge wide.
    public let lowerInAngstroms: SIMD3<Double>
    public let upperInAngstroms: SIMD3<Double>
    /// The full axes, longest first, of the ellipsoid that has the same second moments, 2 √(5 λ): of a ball its diameter. A
    /// voxel counts as a box, so that a sheet of one voxel is not thinner than that.
    public let axisLengthsInAngstroms: SIMD3<Double>
    /// The direction of the longest axis, of length 1; its first component that is not zero is positive.
    public let principalAxis: SIMD3<Double>
    /// nil where no densities were given.
    public let meanDensity: Double?
    /// nil where it was not measured. Where the object is cut by the volume's border is no surface.
    public let surfaceAreaInSquareNanometers: Double?
    /// Whether it is cut by the border of the volume, or could be: one of its voxels is there.
    public let touchesBorder: Bool

    /// The longest over the middle axis: 1 for balls and discs, large for filaments.
    public var elongation: Double { axisLengthsInAngstroms.x / axisLengthsInAngstroms.y }

    /// The middle over the shortest axis: 1 for balls and filaments, large for sheets.
    public var flatness: Double { axisLengthsInAngstroms.y / axisLengthsInAngstroms.z }

    /// The diameter of the ball of the same volume.
    public var equivalentDiameterInNanometers: Double { cbrt(6 * volumeInCubicNanometers / .pi) }
}

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

/// A symmetric 3 × 3 matrix and its eigenvectors.
struct SymmetricMatrix {
    private var rows: [SIMD3<Double>]

    /// - Parameters:
    ///   - diagonal: xx, yy, zz.
    ///   - others: xy, yz, zx.
    init(diagonal: SIMD3<Double>, others: SIMD3<Double>) {
        rows = [
            SIMD3(diagonal.x, others.x, others.z), SIMD3(others.x, diagonal.y, others.y), SIMD3(others.z, others.y, diagonal.z),
        ]
    }

    /// The eigenvalues, the largest first, and the eigenvectors, by Jacobi's rotations.
    func eigenvectors() -> [(value: Double, vector: SIMD3<Double>)] {
        var (a, vectors) = (rows, [SIMD3<Double>(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)])
        let scale = max(a[0].x, a[1].y, a[2].z, .leastNormalMagnitude)
        for _ in 0..<50 {
            let pairs = [(0, 1), (1, 2), (2, 0)]
            guard pairs.contains(where: { abs(a[$0.0][$0.1]) > 1e-15 * scale }) else { break }
            for (p, q) in pairs where a[p][q] != 0 {
                let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
                let tangent = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
                let cosine = 1 / (tangent * tangent + 1).squareRoot()
                let sine = tangent * cosine
                // Rows, then columns.
                (a[p], a[q]) = (cosine * a[p] - sine * a[q], sine * a[p] + cosine * a[q])
                for row in 0..<3 {
                    (a[row][p], a[row][q]) = (cosine * a[row][p] - sine * a[row][q], sine * a[row][p] + cosine * a[row][q])
                }
                (vectors[p], vectors[q]) = (cosine * vectors[p] - sine * vectors[q], sine * vectors[p] + cosine * vectors[q])
            }
        }
        return (0..<3).map { (a[$0][$0], vectors[$0]) }.sorted { $0.0 > $1.0 }
    }
}
