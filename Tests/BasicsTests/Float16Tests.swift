import Basics
import Testing

@Suite("float16 as float32")
struct Float16Tests {
    @Test("every bit pattern keeps its value; NaN keep their bits")
    func widening() {
        let patterns = [UInt16](0...UInt16.max)
        var floats = [Float](repeating: 0, count: patterns.count)
        patterns.withUnsafeBufferPointer { halves in floats.withUnsafeMutableBufferPointer { Float16.widen(halves, into: $0) } }
        for (pattern, float) in zip(patterns, floats) {
            let half = Float16(bitPattern: pattern)
            if half.isNaN {
                let expected = UInt32(pattern & 0x8000) << 16 | 0x7f80_0000 | UInt32(pattern & 0x03ff) << 13
                #expect(float.bitPattern == expected, "\(pattern)")
            } else {
                #expect(float.bitPattern == Float(half).bitPattern, "\(pattern)")
            }
        }
    }

    @Test("any number of values, none included", arguments: [0, 1, 7, 8, 9, 31, 33])
    func counts(count: Int) {
        let halves = (0..<count).map { Float16($0).bitPattern }
        var floats = [Float](repeating: -1, count: count)
        halves.withUnsafeBufferPointer { halves in floats.withUnsafeMutableBufferPointer { Float16.widen(halves, into: $0) } }
        #expect(floats == (0..<count).map { Float($0) })
    }
}
