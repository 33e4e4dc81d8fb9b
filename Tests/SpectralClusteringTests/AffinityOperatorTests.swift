import Basics
import Foundation
import Tensors
import TestSupport
import Testing

@testable import SpectralClustering

@Suite("Affinity operators")
struct AffinityOperatorTests {
    @Test("a product equals that with the assembled matrix, for grids of any shape")
    func productEqualsAssembled() throws {
        let grids = try [TokenGrid(height: 8, width: 12), TokenGrid(height: 4, width: 6), TokenGrid(height: 2, width: 12)]
        let triangles = grids.map { grid in noise(UInt64(grid.count), grid.count * (grid.count + 1) / 2).values }
        let weights = [(2, 1.0), (3, 0.5), (1, 4.0)]
        let terms = try zip(zip(grids, triangles), weights).map { pair, weight in
            try AffinityTerm(grid: pair.0, triangle: .float32(pair.1), layers: weight.0, weight: weight.1)
        }
        let x = noise(7, 3, 96)
        for pooling in AffinityOperator.Pooling.allCases {
            var expected = [Float](repeating: 0, count: 3 * 96)
            for ((grid, triangle), weight) in zip(zip(grids, triangles), weights) {
                let area = 96.0 / Double(grid.count)
                let scale = Double(weight.0) * weight.1 / 7.5 / Double(grid.count) / (pooling == .average ? area * area : area)
                func token(_ place: Int) -> Int { place / 12 * grid.height / 8 * grid.width + place % 12 * grid.width / 12 }
                for row in 0..<96 {
                    for column in 0..<96 {
                        let (low, high) = (min(token(row), token(column)), max(token(row), token(column)))
                        let value = scale * Double(triangle[low * grid.count - low * (low - 1) / 2 + high - low])
                        for vector in 0..<3 { expected[vector * 96 + row] += Float(value) * x.values[vector * 96 + column] }
                    }
                }
            }
            let affinity = try AffinityOperator(terms: terms, pooling: pooling)
            #expect(affinity.grid == grids[0])
            #expect(relativeError(affinity.multiply(x).values, expected) < 2e-6)
        }
    }

    @Test("float16 triangles give what the same values give as float32, and groups are averaged by weight")
    func halves() throws {
        let grid = try TokenGrid(height: 32, width: 32)
        let count = 1024 * 1025 / 2
        let values = noise(3, count).values.map { Float16($0 + 1) }
        let x = noise(4, 5, 1024)
        let halves = try AffinityOperator(terms: [AffinityTerm(grid: grid, triangle: .float16(values), layers: 3)])
        let floats = try AffinityOperator(terms: [
            AffinityTerm(grid: grid, triangle: .float32(values.map { Float($0) }), layers: 2),
            AffinityTerm(grid: grid, triangle: .float16(values), layers: 1, weight: 0.25),
            AffinityTerm(grid: grid, triangle: .float16([Float16](repeating: .nan, count: count)), layers: 5, weight: 0),
        ])
        #expect(relativeError(floats.multiply(x).values, halves.multiply(x).values) < 1e-6)
    }

    @Test("terms that do not fit, or hold no numbers, are refused")
    func refusals() throws {
        let grid = try TokenGrid(height: 4, width: 4)
        let ones = [Float](repeating: 1, count: 136)
        expectFailure(.invalidSize) { try AffinityTerm(grid: grid, triangle: .float32([1, 2]), layers: 1) }
        expectFailure(.invalidSize) { try TokenGrid(height: 0, width: 4) }
        expectFailure(.invalidParameter) { try AffinityTerm(grid: grid, triangle: .float32(ones), layers: 1, weight: -1) }
        expectFailure(.invalidParameter) { try AffinityTerm(grid: grid, triangle: .float32(ones), layers: 1, weight: .nan) }
        let term = try AffinityTerm(grid: grid, triangle: .float32(ones), layers: 1)
        expectFailure(.invalidSize) { try AffinityOperator(terms: []) }
        expectFailure(.invalidSize) {
            try AffinityOperator(terms: [AffinityTerm(grid: grid, triangle: .float32(ones), layers: 1, weight: 0)])
        }
        expectFailure(.invalidSize) { try AffinityOperator(terms: [term], grid: TokenGrid(height: 6, width: 8)) }
        for bad in [Float.nan, .infinity] {
            var values = ones
            values[70] = bad
            expectFailure(.notFinite) {
                try AffinityOperator(terms: [term, AffinityTerm(grid: grid, triangle: .float32(values), layers: 1)])
            }
        }
        var halves = [Float16](repeating: 1, count: 136)
        halves[135] = .infinity
        expectFailure(.notFinite) {
            try AffinityOperator(terms: [AffinityTerm(grid: grid, triangle: .float16(halves), layers: 1)])
        }
    }
}

/// Expects a ``SpectralError`` of this code, with a sentence.
func expectFailure<Result>(
    _ code: SpectralErrorCode, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Result
) {
    #expect(sourceLocation: sourceLocation) {
        _ = try body()
    } throws: { error in
        guard let error = error as? SpectralError else { return false }
        return error.code == code && error.message.count > 20
    }
}
