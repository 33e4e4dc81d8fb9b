import Basics
import ImageProcessing
import Testing

@Suite("Histograms of bytes") struct ByteHistogramTests {
    @Test("each byte is counted once, in rows of any length")
    func counts() {
        var random = RandomStream(seed: 2)
        var histogram = ByteHistogram()
        for length in 0..<20 {
            // Few values, so that neighbours are often equal.
            let bytes = (0..<length).map { _ in UInt8(random.index(below: 3) * 127) }
            histogram.reset()
            bytes.withUnsafeBufferPointer { histogram.add($0) }
            histogram.add(255)
            let expected = (0..<256).map { value in (bytes + [255]).count { Int($0) == value } }
            #expect(histogram.counts == expected)
        }
    }
}
