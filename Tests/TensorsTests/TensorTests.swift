import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Tensors")
    struct TensorTests {
        @Test("a copy keeps its values when the other is changed")
        func copyOnWrite() {
            var a = Tensor(shape: [2, 3], values: [1, 2, 3, 4, 5, 6])
            let b = a
            let c = a.reshaped([3, 2])
            a.withUnsafeMutableBufferPointer { $0[0] = 9 }
            #expect(a.values == [9, 2, 3, 4, 5, 6])
            #expect(b.values == [1, 2, 3, 4, 5, 6])
            #expect(c.values == b.values && c.shape == [3, 2])
        }

        private final class Memory {
            let base = UnsafeMutablePointer<Float>.allocate(capacity: 4)
            init() { for index in 0..<4 { base[index] = Float(index) } }
            deinit { base.deallocate() }
        }

        @Test("a view is never written to, and keeps its owner alive as long as it needs it")
        func mapping() throws {
            var memory: Memory? = Memory()
            weak let watched = memory
            let base = try #require(memory?.base)
            var view: Tensor? = try Tensor(shape: [4], mapping: base, owner: #require(memory))
            memory = nil
            #expect(watched != nil)
            var copy = try #require(view)
            copy.withUnsafeMutableBufferPointer { $0[1] = 7 }
            #expect(copy.values == [0, 7, 2, 3])
            #expect(view?.values == [0, 1, 2, 3])
            #expect(base[1] == 1)
            view = nil
            #expect(watched == nil)
        }

        @Test("sums of tensors and of channels")
        func adding() {
            let x = Tensor(shape: [2, 1, 2, 2], values: [1, 2, 3, 4, 5, 6, 7, 8])
            #expect(x.adding(x).values == [2, 4, 6, 8, 10, 12, 14, 16])
            #expect(x.adding(channels: Tensor(shape: [2], values: [10, 20])).values == [11, 22, 13, 24, 15, 26, 17, 28])
            let each = Tensor(shape: [2, 2], values: [10, 20, 30, 40])
            #expect(x.adding(channels: each).values == [11, 22, 13, 24, 35, 46, 37, 48])
            var y = x
            y.add(x)
            y.add(y)
            #expect(y.values == x.values.map { $0 * 4 })
            let large = noise(1, 3, 50, 1000)
            #expect(large.adding(large).values == large.values.map { $0 * 2 })
        }

        @Test("channels are put side by side")
        func concatenating() {
            let a = Tensor(shape: [2, 1, 2], values: [1, 2, 3, 4])
            let b = Tensor(shape: [2, 1, 1], values: [5, 6])
            let joined = Tensor.concatenating([a, b, a])
            #expect(joined.shape == [2, 1, 5])
            #expect(joined.values == [1, 2, 5, 1, 2, 3, 4, 6, 3, 4])
        }

        @Test("upsampling repeats pixels")
        func resampling() {
            let x = noise(1, 2, 3, 5, 7)
            let large = x.upsampledNearest2x()
            #expect(large.shape == [2, 6, 10, 7])
            let small = Tensor(shape: [1, 2, 2, 1], values: [1, 2, 3, 4]).upsampledNearest2x()
            #expect(small.values == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
        }

        @Test("every half becomes its float and back, as Swift converts them")
        func halves() {
            let patterns = [UInt16](0...UInt16.max)
            var floats = [Float](repeating: 0, count: patterns.count)
            var back = [UInt16](repeating: 0, count: patterns.count)
            patterns.withUnsafeBufferPointer { source in
                floats.withUnsafeMutableBufferPointer { Half.float16ToFloat32(source, $0) }
            }
            floats.withUnsafeBufferPointer { source in back.withUnsafeMutableBufferPointer { Half.float32ToFloat16(source, $0) } }
            for (pattern, (float, half)) in zip(patterns, zip(floats, back)) {
                let expected = Float(Float16(bitPattern: pattern))
                #expect(float == expected || (float.isNaN && expected.isNaN))
                #expect(half == pattern || (float.isNaN && Float16(bitPattern: half).isNaN))
            }
        }

        @Test("floats are rounded to halves as Swift rounds them, ties and limits included")
        func rounding() {
            let exact = (0..<0x7C00).map { Float(Float16(bitPattern: UInt16($0))) }
            var floats = exact.flatMap { [$0.nextUp, $0.nextDown, -$0] }
            for (low, high) in zip(exact, exact.dropFirst()) {
                let tie = (low + high) / 2
                floats += [tie, tie.nextUp, tie.nextDown]
            }
            floats += [65519.996, 65520, 1e30, -.infinity, 2.9802322e-8, 2.9802326e-8, .leastNonzeroMagnitude]
            var halves = [UInt16](repeating: 0, count: floats.count)
            floats.withUnsafeBufferPointer { source in halves.withUnsafeMutableBufferPointer { Half.float32ToFloat16(source, $0) }
            }
            #expect(halves == floats.map { Float16($0).bitPattern })
        }

        @Test("bfloat16 is the upper half of a float")
        func bfloat() {
            let patterns: [UInt16] = [0x3F80, 0xBFC0, 0x7F80, 0x0001, 0x4049]
            var floats = [Float](repeating: 0, count: patterns.count)
            patterns.withUnsafeBufferPointer { source in
                floats.withUnsafeMutableBufferPointer { Half.bfloat16ToFloat32(source, $0) }
            }
            #expect(floats == patterns.map { Float(bitPattern: UInt32($0) << 16) })
        }

        @Test("a product of matrices, each way round")
        func multiply() {
            let (a, b) = (noise(1, 5, 7), noise(2, 7, 3))
            var expected = [Float](repeating: 0, count: 15)
            let (left, right) = (a.values, b.values)
            for i in 0..<5 {
                for j in 0..<3 {
                    for k in 0..<7 { expected[i * 3 + j] += left[i * 7 + k] * right[k * 3 + j] }
                }
            }
            for (aTransposed, bTransposed) in [(false, false), (true, false), (false, true), (true, true)] {
                let left = aTransposed ? transposed(a) : a
                let right = bTransposed ? transposed(b) : b
                var c = [Float](repeating: 1, count: 15)
                left.withUnsafeBufferPointer { left in
                    right.withUnsafeBufferPointer { right in
                        c.withUnsafeMutableBufferPointer { c in
                            guard let a = left.baseAddress, let b = right.baseAddress, let c = c.baseAddress else { return }
                            BLAS.multiply(
                                rows: 5, columns: 3, inner: 7, alpha: 2,
                                .init(a, stride: aTransposed ? 5 : 7, transposed: aTransposed),
                                .init(b, stride: bTransposed ? 7 : 3, transposed: bTransposed), beta: 1, into: c, stride: 3)
                        }
                    }
                }
                expectClose(c, expected.map { (value: Float) -> Float in 2 * value + 1 }, tolerance: 1e-6)
            }
            #expect(!BLAS.kernelName.isEmpty)
        }

        private func transposed(_ x: Tensor) -> Tensor {
            let (rows, columns) = (x.shape[0], x.shape[1])
            return Tensor(
                shape: [columns, rows], values: (0..<columns).flatMap { c in (0..<rows).map { x.values[$0 * columns + c] } })
        }
    }
}
