import ImageProcessing

/// Measures CLAHE on a synthetic slice; `clahe_opencv.py` beside it measures OpenCV on the same pixels, one thread.
///
///     clahe-benchmark [SIDE] [RUNS]
@main
struct CLAHEBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let side = arguments.first ?? 1024
        let runs = arguments.dropFirst().first ?? 101
        guard let image = tomogram(side: side), runs > 0 else {
            print("usage: clahe-benchmark [SIDE] [RUNS]")
            return
        }
        let method = try CLAHE(clipLimit: 2, rows: 8, columns: 8)
        var checksum = 0
        let seconds = (0..<runs).map { _ in
            let clock = ContinuousClock()
            let duration = clock.measure { checksum &+= Int(method(image).values[side + 1]) }
            return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        }.sorted()
        let (median, best) = (seconds[runs / 2] * 1e3, seconds[0] * 1e3)
        print(
            "Cellar CLAHE \(side)², 8 × 8, one thread: median \(median) ms, best \(best) ms, \(runs) runs (check \(checksum / runs))"
        )
    }

    /// Grey grain and a lattice of dark discs: `synthetic("tomogram", side, side, 7)` of make_golden.py.
    private static func tomogram(side: Int) -> Image<UInt8>? {
        guard (1...16_384).contains(side) else { return nil }
        var state: UInt64 = 7
        var values: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
                word ^= word >> 31
                let grain = (0..<8).reduce(0) { $0 + (word >> (3 * $1)) & 7 }
                let isDisc = (x % 24 - 12) * (x % 24 - 12) + (y % 24 - 12) * (y % 24 - 12) < 25
                values.append(UInt8(110 + grain - (isDisc ? 45 : 0)))
            }
        }
        return Image(height: side, width: side, values: values)
    }
}
