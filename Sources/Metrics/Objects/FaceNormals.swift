import Foundation

/// The direction of a binary surface at the faces of its voxels.
///
/// Within 5.5 voxels of a face's middle, voxels of the class are weighted by a Gaussian (σ 2 voxels); their mean place lies,
/// seen from there, where the normal points. For a plane this is the normal whatever the weights, if they depend on the
/// distance alone. A plane of area A and normal n has faces of A |n·a| along each axis a; each of these counts as |n·a| of its
/// area, and Σ A (n·a)² = A.
struct FaceNormals: Sendable {
    /// A row of voxels in the neighbourhood of a face.
    private struct Row {
        var y: Int
        var z: Int
        /// How far it is from the middle of the face along y and z, in voxels.
        var offset: SIMD2<Float>
        var weight: Float
        /// Which of its voxels are near enough, from x − 6 on for faces along x, from x − 5 on for others.
        var mask: Int
    }

    private static let radius = 5.5
    private static let sigma = 2.0

    /// For faces along x, y and z.
    private let rows: [[Row]]
    /// For 12 voxels beside a face along x, and for 11 around another, at each pattern of bits: Σ weight and Σ weight · offset.
    private let sums: [[SIMD2<Float>]]
    private let edges: SIMD3<Float>

    init(_ edges: SIMD3<Double>) {
        self.edges = SIMD3<Float>(Float(edges.x), Float(edges.y), Float(edges.z))
        func offsets(isHalf: Bool) -> [(step: Int, offset: Double)] {
            isHalf ? (-6...5).map { ($0, Double($0) + 0.5) } : (-5...5).map { ($0, Double($0)) }
        }
        func weight(_ squared: Double) -> Double { exp(-squared / (2 * Self.sigma * Self.sigma)) }
        sums = [true, false].map { isHalf in
            let places = offsets(isHalf: isHalf)
            return (0..<1 << places.count).map { bits in
                var (sum, moment) = (0.0, 0.0)
                for (place, x) in places.enumerated() where bits >> place & 1 != 0 {
                    sum += weight(x.offset * x.offset)
                    moment += weight(x.offset * x.offset) * x.offset
                }
                return SIMD2(Float(sum), Float(moment))
            }
        }
        rows = (0..<3).map { axis in
            var rows: [Row] = []
            for z in offsets(isHalf: axis == 2) {
                for y in offsets(isHalf: axis == 1) {
                    let squared = y.offset * y.offset + z.offset * z.offset
                    var mask = 0
                    for (place, x) in offsets(isHalf: axis == 0).enumerated()
                    where squared + x.offset * x.offset <= Self.radius * Self.radius { mask |= 1 << place }
                    guard mask != 0 else { continue }
                    rows.append(
                        Row(
                            y: y.step, z: z.step, offset: SIMD2(Float(y.offset), Float(z.offset)), weight: Float(weight(squared)),
                            mask: mask))
                }
            }
            return rows
        }
    }

    /// |n·a| at the face between a voxel and the one before it along an axis.
    @inline(__always)
    func projection(axis: Int, x: Int, y: Int, z: Int, classIndex: UInt8, _ window: ClassWindow.Bits) -> Float {
        let first = axis == 0 ? x - 6 : x - 5
        var along: Float = 0
        var across = SIMD2<Float>.zero
        rows[axis].withUnsafeBufferPointer { rows in
            sums[axis == 0 ? 0 : 1].withUnsafeBufferPointer { sums in
                for row in rows {
                    let bits = window.bits(row: window.row(z: z &+ row.z, y: y &+ row.y, classIndex: classIndex), from: first)
                    let sum = sums[Int(truncatingIfNeeded: bits) & row.mask] * row.weight
                    along += sum.y
                    across += sum.x * row.offset
                }
            }
        }
        let normal = SIMD3(along, across.x, across.y) / edges
        let length = (normal * normal).sum().squareRoot()
        // Where the class is as much on one side as on the other the face counts whole.
        return length > 0 ? abs(normal[axis]) / length : 1
    }
}
