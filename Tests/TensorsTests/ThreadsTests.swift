import CKernels
import Dispatch
import Synchronization
import TestSupport
import Testing

@testable import Tensors

extension TensorsTests {
    @Suite("Threads")
    struct ThreadsTests {
        /// A pass through every kind of layer, as one list of bits.
        private static func pass() -> [UInt32] {
            let x = noise(1, 2, 20, 12, 64)
            let norm = GroupNorm(groups: 8, epsilon: 1e-5, weight: noise(2, 64), bias: noise(3, 64))
            let convolution = Convolution2D(
                weight: noise(4, 64, 64, 3, 3, scale: 0.05), bias: noise(5, 64), stride: 1, padding: Padding2D(1))
            let down = Convolution2D(weight: noise(6, 64, 64, 3, 3, scale: 0.05), bias: nil, stride: 2, padding: Padding2D(1))
            let hidden = convolution(norm(x, activation: .silu), addingTo: x).reshaped([2, 240, 64])
            let linear = Linear(weight: noise(7, 512, 64), bias: noise(8, 512))
            let sums = AffinityAccumulator(tokens: 240)
            let attended = Attention(heads: 4)(query: hidden, key: hidden, value: hidden, accumulatingInto: sums)
            let result = linear(LayerNorm(epsilon: 1e-5, weight: noise(9, 64), bias: nil)(attended)).gatedGELU()
            return (result.values + sums.meanAffinity().values + down(x).values).map(\.bitPattern)
        }

        @Test("results have the same bits on any number of threads")
        func sameBits() {
            let before = Threads.count
            defer { Threads.count = before }
            Threads.count = 1
            let expected = ThreadsTests.pass()
            for threads in [2, 3, 7] {
                Threads.count = threads
                #expect(ThreadsTests.pass() == expected, "\(threads) threads")
            }
        }

        @Test("the variants for other processors give the same values but for rounding", arguments: [0, 1])
        func instructionSets(_ highest: Int32) {
            let expected = ThreadsTests.pass().map(Float.init(bitPattern:))
            ck_limit_instruction_set(highest)
            defer { ck_limit_instruction_set(2) }
            #expect(ck_instruction_set() <= highest)
            expectClose(ThreadsTests.pass().map(Float.init(bitPattern:)), expected, tolerance: 1e-5)
        }

        @Test("several callers together never keep more threads busy than allowed, and all get through")
        func callers() {
            let before = Threads.count
            defer { Threads.count = before }
            Threads.count = 3
            let busy = Mutex((now: 0, most: 0, calls: 0))
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                for _ in 0..<20 {
                    Threads.perform(5) { _ in
                        let outside = busy.withLock { state in
                            state.now += 1
                            state.most = max(state.most, state.now)
                            return state.now
                        }
                        // Nested: runs here and now.
                        Threads.perform(3) { _ in busy.withLock { $0.calls += 1 } }
                        if outside > 0 { busy.withLock { $0.now -= 1 } }
                    }
                }
            }
            let state = busy.withLock { $0 }
            #expect(state.now == 0)
            #expect(state.calls == 8 * 20 * 5 * 3)
            #expect((1...3).contains(state.most))
        }

        @Test("a count below one means one")
        func atLeastOne() {
            let before = Threads.count
            defer { Threads.count = before }
            Threads.count = 0
            #expect(Threads.count == 1)
            #expect(before >= 1)
        }
    }
}
