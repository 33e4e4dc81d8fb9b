/// A surface of triangles in Å.
///
/// Positions are x, y, z in Å from the centre of the tomogram's first voxel, along the axes of the tomogram; a voxel x, y, z lies
/// at the product of its indices and the voxel size. Triangles are counter-clockwise as they are seen from outside of the object.
public struct SurfaceMesh: Sendable {
    /// The vertices, x, y, z in Å.
    public internal(set) var positions: [SIMD3<Float>]
    /// The direction outwards at each vertex, of length 1: the mean over the triangles around it, weighted by their areas.
    public internal(set) var normals: [SIMD3<Float>]
    /// The three vertices of each triangle.
    public internal(set) var triangles: [SIMD3<UInt32>]

    /// - Precondition: triangles have vertices that are there.
    init(positions: [SIMD3<Float>], triangles: [SIMD3<UInt32>]) {
        (self.positions, self.triangles) = (positions, triangles)
        var sums = [SIMD3<Float>](repeating: .zero, count: positions.count)
        for triangle in triangles {
            let (a, b, c) = (Int(triangle.x), Int(triangle.y), Int(triangle.z))
            let product = Self.cross(positions[b] - positions[a], positions[c] - positions[a])
            sums[a] += product
            sums[b] += product
            sums[c] += product
        }
        normals = sums.map { sum in
            let length = (sum * sum).sum().squareRoot()
            // The triangles around a vertex may cancel out; any direction will do then.
            return length > 0 && length.isFinite ? sum / length : SIMD3(0, 0, 1)
        }
    }

    /// The area in Å².
    public var area: Double {
        triangles.reduce(0) { sum, triangle in
            let (a, b, c) = corners(triangle)
            let product = Self.cross(b - a, c - a)
            return sum + (product * product).sum().squareRoot() / 2
        }
    }

    /// The volume within a closed surface in Å³; negative if it were inside out.
    public var volume: Double {
        triangles.reduce(0) { sum, triangle in
            let (a, b, c) = corners(triangle)
            return sum + (a * Self.cross(b, c)).sum() / 6
        }
    }

    private func corners(_ triangle: SIMD3<UInt32>) -> (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>) {
        (
            SIMD3<Double>(positions[Int(triangle.x)]), SIMD3<Double>(positions[Int(triangle.y)]),
            SIMD3<Double>(positions[Int(triangle.z)])
        )
    }

    static func cross<Value: BinaryFloatingPoint & SIMDScalar>(_ a: SIMD3<Value>, _ b: SIMD3<Value>) -> SIMD3<Value> {
        SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
    }
}
