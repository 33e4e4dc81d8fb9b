import Basics
import Testing

@Suite("Cross products") struct CrossProductTests {
    @Test("axes are right-handed, and the product is perpendicular to both vectors")
    func products() {
        #expect(SIMD3<Double>(1, 0, 0).cross(SIMD3(0, 1, 0)) == SIMD3(0, 0, 1))
        #expect(SIMD3<Double>(0, 1, 0).cross(SIMD3(0, 0, 1)) == SIMD3(1, 0, 0))
        let (a, b) = (SIMD3<Double>(2, 3, 5), SIMD3<Double>(-7, 11, 13))
        let product = a.cross(b)
        #expect(product == SIMD3(-16, -61, 43))
        #expect((product * a).sum() == 0 && (product * b).sum() == 0)
    }
}
