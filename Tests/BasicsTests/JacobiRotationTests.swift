import Basics
import Testing

@Suite("Jacobi rotations") struct JacobiRotationTests {
    @Test("the rotated matrix is diagonal, with the same trace and determinant, and the angle is at most 45°")
    func diagonal() {
        for (pp, qq, pq) in [(2, 3, 1), (3, 2, -1), (1, 1, 1), (1, 1, -0.5), (1e6, 1, 1e-3), (-4, 5, 100)]
            as [(Double, Double, Double)]
        {
            let turn = JacobiRotation(pp: pp, qq: qq, pq: pq)
            // R A Rᵀ: rows, then columns.
            let (first, second) = (turn(pp, pq), turn(pq, qq))
            let (a, b) = (turn(first.p, second.p), turn(first.q, second.q))
            let size = abs(pp) + abs(qq) + abs(pq)
            #expect(abs(a.q) < 1e-14 * size && abs(b.p) < 1e-14 * size, "\(pp) \(qq) \(pq)")
            #expect(abs(a.p + b.q - (pp + qq)) < 1e-14 * size)
            #expect(abs(a.p * b.q - (pp * qq - pq * pq)) < 1e-13 * size * size)
            #expect(turn.cosine >= 0.5.squareRoot() - 1e-15)
            #expect(abs(turn.cosine * turn.cosine + turn.sine * turn.sine - 1) < 1e-15)
        }
    }

    @Test("vectors are rotated like their coordinates")
    func vectors() {
        let turn = JacobiRotation(pp: 1, qq: 2, pq: 3)
        let rotated = turn(SIMD3(1, 2, 3), SIMD3(4, 5, 6))
        for axis in 0..<3 {
            let expected = turn(Double(axis + 1), Double(axis + 4))
            #expect(rotated.p[axis] == expected.p && rotated.q[axis] == expected.q)
        }
    }
}
