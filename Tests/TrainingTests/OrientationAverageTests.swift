import Basics
import Tensors
import Testing
import Volumes

@testable import Training

@Suite("Averages over copies of a block") struct OrientationAverageTests {
    @Test("a network that does not care how it looks says the same, without a deviation", arguments: [1, 4, 8])
    func equivariant(copies: Int) throws {
        var random = RandomStream(seed: 5)
        let block = Tensor(shape: [1, 4, 6, 8, 1], values: (0..<192).map { _ in Float(random.normal()) })
        // The middle slices, and their squares.
        let network: (Tensor) -> Tensor = { block in
            let (height, width) = (block.shape[2], block.shape[3])
            return Tensor(
                shape: [1, 2, height, width, 2],
                values: block.values[height * width..<3 * height * width].flatMap { [$0, $0 * $0] })
        }
        let average = try OrientationAverage(copies: copies)
        #expect(average.copies == copies)
        let result = try average(block, network)
        #expect(result.mean.shape == [1, 2, 6, 8, 2])
        for (voxel, value) in block.values[48..<144].enumerated() {
            let found = (result.mean.values[voxel * 2], result.mean.values[voxel * 2 + 1])
            #expect(abs(found.0 - value) < 1e-6 && abs(found.1 - value * value) < 1e-5)
        }
        #expect((result.deviation == nil) == (copies == 1))
        #expect(result.deviation?.values.allSatisfy { $0 < 4e-3 } ?? true)
    }

    @Test("mean and deviation are over all copies", arguments: [4, 8])
    func places(copies: Int) throws {
        // The row of a voxel in the copy that the network sees.
        let network: (Tensor) -> Tensor = { block in
            let (height, width) = (block.shape[2], block.shape[3])
            return Tensor(shape: [1, 1, height, width, 1], values: (0..<height * width).map { Float($0 / width) })
        }
        let result = try OrientationAverage(copies: copies)(Tensor(shape: [1, 1, 4, 4, 1]), network)
        // The voxel (y, x) is in row y, 3 − y and, turned, x or 3 − x.
        for y in 0..<4 {
            for x in 0..<4 {
                let rows = copies == 4 ? [y, 3 - y] : [y, 3 - y, x, 3 - x]
                let mean = Double(rows.reduce(0, +)) / Double(rows.count)
                let variance = rows.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(rows.count)
                let found = (result.mean.values[y * 4 + x], try #require(result.deviation).values[y * 4 + x])
                #expect(abs(Double(found.0) - mean) < 1e-5 && abs(Double(found.1) - variance.squareRoot()) < 1e-3)
            }
        }
    }

    @Test("a network that loses voxels is refused")
    func shapes() throws {
        #expect(throws: TrainingError.self) {
            _ = try OrientationAverage(copies: 4)(Tensor(shape: [1, 1, 4, 4, 1])) { _ in Tensor(shape: [1, 1, 2, 2, 1]) }
        }
    }

    @Test("other numbers of copies are refused", arguments: [0, 2, 3, 16, -1])
    func refused(copies: Int) { #expect(throws: TrainingError.self) { try OrientationAverage(copies: copies) } }
}
