import Foundation
import ImageProcessing

/// Measures operations on a synthetic slice; `image_python.py` beside it measures OpenCV, scikit-image and SciPy on the
/// same pixels. One thread, milliseconds of processor time.
///
///     image-benchmark [SIDE] [RUNS]
@main
struct ImageBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let side = arguments.first ?? 1024
        let runs = arguments.dropFirst().first ?? 31
        guard (32...16_384).contains(side), runs > 0, let image = pixels(side: side, seed: 7, tomogram),
            let noise = pixels(side: side, seed: 8, { word, _, _ in UInt8(word >> 56) })
        else {
            print("usage: image-benchmark [SIDE] [RUNS]")
            return
        }
        for block in [15, 51] {
            let threshold = try AdaptiveThreshold(blockSize: block, offset: 3, direction: .aboveMean)
            measure("adaptive threshold, block \(block)", runs) {
                threshold(image)
            } check: {
                $0.foregroundCount
            }
        }
        let kernel = try GaussianKernel(size: 5, sigma: 1.1)
        let floats = image.map { Float($0) }
        measure("Gaussian blur 5 x 5, float32", runs) {
            floats.blurred(by: kernel)
        } check: {
            text($0[y: 1, x: 1], 3)
        }
        let similarity = try StructuralSimilarity(dataRange: 1)
        let (a, b) = (image.map { Float($0) / 255 }, noise.map { Float($0) / 255 })
        try measure("SSIM", max(runs / 4, 3)) {
            try similarity(a, b)
        } check: {
            text($0, 12)
        }
        let lattice = image.map { $0 < 100 }
        for (name, mask) in [("lattice", lattice), ("noise", noise.thresholded(above: 127))] {
            for connectivity in Connectivity.allCases {
                measure("components \(connectivity.rawValue), \(name)", runs) {
                    mask.components(connectivity)
                } check: {
                    $0.count
                }
            }
        }
        measure("contour count, lattice", runs) {
            lattice.contourCount()
        } check: {
            $0
        }
        let outside = lattice.map { !$0 }
        measure("distance transform, lattice", max(runs / 4, 3)) {
            outside.distancesToBackground()
        } check: {
            text($0.values.reduce(0.0) { $0 + Double($1) }, 1)
        }
        let merge = try GreedyMerge(threshold: 0, diversity: DiversityScore(), scaling: MapScaling())
        let maps = (0..<20).compactMap { seed in
            pixels(side: 64, seed: seed, { word, _, _ in UInt8(word >> 56) })?.map { Float($0) }
        }
        try measure("merge of 20 maps of 64 x 64", runs) {
            try merge(maps)
        } check: {
            $0.log.base
        }
        let grid = try TileGrid(height: side, width: side, rows: 2, columns: 2, overlap: 16)
        try measure("stitching of 4 tiles", runs) {
            try TileStitching(height: side, width: side, grid: grid)(Array(maps.prefix(4)))
        } check: {
            text($0[y: 1, x: 1], 3)
        }
        let disc = try StructuringElement(.disc, radius: 5)
        measure("dilation by a disc of radius 5, lattice", runs) {
            lattice.dilated(by: disc)
        } check: {
            $0.foregroundCount
        }
    }

    private static func measure<Result>(
        _ name: String, _ runs: Int, _ body: () throws -> Result, check: (Result) -> Any
    ) rethrows {
        var seconds: [Double] = []
        var result = try body()
        for _ in 0..<runs {
            let start = processorTime()
            result = try body()
            seconds.append(processorTime() - start)
        }
        seconds.sort()
        print(
            "\(name), Cellar: median \(text(seconds[runs / 2] * 1e3, 2)) ms, best \(text(seconds[0] * 1e3, 2)) ms",
            "(check \(check(result)))"
        )
    }

    private static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    private static func text(_ number: some BinaryFloatingPoint, _ digits: Int) -> String {
        String(format: "%.\(digits)f", Double(number))
    }

    private static func pixels(side: Int, seed: UInt64, _ pixel: (_ word: UInt64, _ y: Int, _ x: Int) -> UInt8) -> Image<UInt8>? {
        var state = seed
        var values: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                state &+= 0x9E37_79B9_7F4A_7C15
                var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
                word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
                values.append(pixel(word ^ word >> 31, y, x))
            }
        }
        return Image(height: side, width: side, values: values)
    }

    /// Grey grain and a lattice of dark discs: `synthetic("tomogram", side, side, 7)` of make_golden.py.
    private static func tomogram(_ word: UInt64, _ y: Int, _ x: Int) -> UInt8 {
        let grain = (0..<8).reduce(0) { $0 + (word >> (3 * $1)) & 7 }
        let isDisc = (x % 24 - 12) * (x % 24 - 12) + (y % 24 - 12) * (y % 24 - 12) < 25
        return UInt8(110 + grain - (isDisc ? 45 : 0))
    }
}
