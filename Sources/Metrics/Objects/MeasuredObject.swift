import Basics
import Foundation

/// The measures of a connected component of a class.
///
/// Coordinates (x, y, z) are in Å from the centre of the volume's first voxel.
public struct MeasuredObject: Hashable, Codable, Sendable {
    /// The name of the class.
    public let className: String
    /// The number of voxels.
    public let voxels: Int
    /// The volume in nm³.
    public let volumeInCubicNanometers: Double
    /// The mean of the voxel centres.
    public let centroidInAngstroms: SIMD3<Double>
    /// The lower corner of the bounding box, which includes whole voxels: that of one voxel has the size of the voxel.
    public let lowerInAngstroms: SIMD3<Double>
    /// The upper corner of the bounding box.
    public let upperInAngstroms: SIMD3<Double>
    /// The full axis lengths 2 √(5 λ), longest first, of the ellipsoid with the same second moments λ; for a ball its diameter. A
    /// voxel counts as a box, so that a sheet of one voxel is not thinner than that.
    public let axisLengthsInAngstroms: SIMD3<Double>
    /// The unit vector (x, y, z) along the longest axis; its first component that is not zero is positive.
    public let principalAxis: SIMD3<Double>
    /// The mean of the densities of the voxels; nil where no densities were given.
    public let meanDensity: Double?
    /// The mean of the uncertainties of the voxels; nil where no uncertainties were given.
    public let meanUncertainty: Double?
    /// The surface area in nm²; nil where it was not measured. Faces on the border of the volume do not count.
    public let surfaceAreaInSquareNanometers: Double?
    /// Whether a voxel lies at the border of the volume, so that the object may be cut off.
    public let touchesBorder: Bool

    /// The longest axis divided by the middle one: 1 for balls and discs, large for filaments.
    public var elongation: Double { axisLengthsInAngstroms.x / axisLengthsInAngstroms.y }

    /// The middle axis divided by the shortest one: 1 for balls and filaments, large for sheets.
    public var flatness: Double { axisLengthsInAngstroms.y / axisLengthsInAngstroms.z }

    /// The diameter in nm of the ball with the same volume.
    public var equivalentDiameterInNanometers: Double { cbrt(6 * volumeInCubicNanometers / .pi) }
}

/// The sums over the voxels of an object, from which it is measured. Coordinates are in voxels.
struct ObjectSums: Sendable {
    /// The class, from 1.
    let classIndex: UInt8
    /// The number of voxels.
    var voxels = 0
    /// Σ x, Σ y, Σ z
    private var first = SIMD3<Double>.zero
    /// Σ x², Σ y², Σ z²
    private var squares = SIMD3<Double>.zero
    /// Σ xy, Σ yz, Σ zx
    private var products = SIMD3<Double>.zero
    /// The least x, y and z.
    private(set) var minimum = SIMD3<Int>(repeating: .max)
    /// The greatest x, y and z.
    private(set) var maximum = SIMD3<Int>(repeating: .min)
    /// The sum of the densities.
    var density = 0.0
    /// The sum of the uncertainties.
    var uncertainty = 0.0
    /// The surface area in Å².
    var area = 0.0

    init(classIndex: UInt8) { self.classIndex = classIndex }

    /// Adds the voxels of a run along x.
    mutating func add(run xs: Range<Int>, y: Int, z: Int) {
        let count = Double(xs.count)
        let (a, b) = (Double(xs.lowerBound), Double(xs.upperBound - 1))
        let sum = count * (a + b) / 2
        // The sum of squares of the integers a … b.
        let square = count * (a * a + a * b + b * b) / 3 + (b - a) * count / 6
        let (y, z) = (Double(y), Double(z))
        voxels += xs.count
        first += SIMD3(sum, count * y, count * z)
        squares += SIMD3(square, count * y * y, count * z * z)
        products += SIMD3(sum * y, count * y * z, sum * z)
        minimum = pointwiseMin(minimum, SIMD3(xs.lowerBound, Int(y), Int(z)))
        maximum = pointwiseMax(maximum, SIMD3(xs.upperBound - 1, Int(y), Int(z)))
    }

    /// Adds the sums of another part of the object.
    mutating func add(_ other: ObjectSums) {
        voxels += other.voxels
        first += other.first
        squares += other.squares
        products += other.products
        minimum = pointwiseMin(minimum, other.minimum)
        maximum = pointwiseMax(maximum, other.maximum)
        density += other.density
        uncertainty += other.uncertainty
        area += other.area
    }

    /// The mean (x, y, z) in voxels.
    var centroid: SIMD3<Double> { first / Double(voxels) }

    /// The covariance of positions in Å², as (xx, yy, zz) and (xy, yz, zx). Voxels count as boxes, not as points, which adds 1/12
    /// to the variances in voxels.
    func covariance(_ edges: SIMD3<Double>) -> (diagonal: SIMD3<Double>, others: SIMD3<Double>) {
        let (n, mean) = (Double(voxels), centroid)
        let next = SIMD3(mean.y, mean.z, mean.x)
        return (
            (squares / n - mean * mean + 1.0 / 12) * edges * edges,
            (products / n - mean * next) * edges * SIMD3(edges.y, edges.z, edges.x)
        )
    }
}

/// A symmetric 3 × 3 matrix, for its eigenvectors.
struct SymmetricMatrix3 {
    private var rows: [SIMD3<Double>]

    /// - Parameters:
    ///   - diagonal: xx, yy, zz.
    ///   - others: xy, yz, zx.
    init(diagonal: SIMD3<Double>, others: SIMD3<Double>) {
        rows = [
            SIMD3(diagonal.x, others.x, others.z), SIMD3(others.x, diagonal.y, others.y), SIMD3(others.z, others.y, diagonal.z),
        ]
    }

    /// The eigenvalues, largest first, with unit eigenvectors, by Jacobi rotations.
    func eigenvectors() -> [(value: Double, vector: SIMD3<Double>)] {
        var (a, vectors) = (rows, [SIMD3<Double>(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)])
        let scale = max(a[0].x, a[1].y, a[2].z, .leastNormalMagnitude)
        for _ in 0..<50 {
            let pairs = [(0, 1), (1, 2), (2, 0)]
            guard pairs.contains(where: { abs(a[$0.0][$0.1]) > 1e-15 * scale }) else { break }
            for (p, q) in pairs where a[p][q] != 0 {
                let rotate = JacobiRotation(pp: a[p][p], qq: a[q][q], pq: a[p][q])
                // The rotation is applied to rows, then to columns.
                (a[p], a[q]) = rotate(a[p], a[q])
                for row in 0..<3 { (a[row][p], a[row][q]) = rotate(a[row][p], a[row][q]) }
                (vectors[p], vectors[q]) = rotate(vectors[p], vectors[q])
            }
        }
        return (0..<3).map { (a[$0][$0], vectors[$0]) }.sorted { $0.0 > $1.0 }
    }
}
