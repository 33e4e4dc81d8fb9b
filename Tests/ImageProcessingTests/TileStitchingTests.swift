import Testing

@testable import ImageProcessing

@Suite("Stitching of tiles")
struct TileStitchingTests {
    @Test("the tiles of a slice give the slice again", arguments: [0, 1, 5, 12])
    func roundTrip(overlap: Int) throws {
        let slice = try #require(SyntheticImage.real(height: 57, width: 70, seed: 6))
        for (rows, columns) in [(1, 1), (2, 2), (3, 4)] {
            let grid = try TileGrid(height: 57, width: 70, rows: rows, columns: columns, overlap: overlap)
            let stitching = try TileStitching(height: 57, width: 70, grid: grid)
            let maps = try grid.tiles.map { try slice.cropped(to: $0) }
            let result = try stitching(maps)
            #expect(zip(result.values, slice.values).allSatisfy { abs($0 - $1) < 1e-6 })
            if overlap == 0, rows == 1 { #expect(result == slice) }
        }
    }

    @Test("between two tiles the result goes over linearly")
    func ramp() throws {
        let regions = [ImageRegion(y: 0..<3, x: 0..<12), ImageRegion(y: 0..<3, x: 9..<20)].compactMap { $0 }
        let maps = [Float(0), 1].compactMap { Image<Float>(height: 3, width: 4, repeating: $0) }
        let result = try TileStitching(height: 3, width: 20, tiles: regions)(maps)
        let expected: [Float] = Array(repeating: 0, count: 9) + [0.25, 0.5, 0.75] + Array(repeating: 1, count: 8)
        #expect(result.values == expected + expected + expected)
    }

    @Test("constant maps of any size stay constant where they meet")
    func constant() throws {
        let grid = try TileGrid(height: 100, width: 90, rows: 3, columns: 3, overlap: 20)
        let maps = (1...9).compactMap { Image<Float>(height: $0, width: 2 * $0, repeating: 0.7) }
        let result = try TileStitching(height: 100, width: 90, grid: grid)(maps)
        #expect(result.values.allSatisfy { abs($0 - 0.7) < 1e-6 })
    }

    @Test("tiles beside the slice, or that leave a pixel out, and maps too few, are refused")
    func refuses() throws {
        let whole = try #require(ImageRegion(y: 0..<4, x: 0..<4))
        let part = try #require(ImageRegion(y: 0..<4, x: 0..<3))
        #expect(throws: ImageError.self) { try TileStitching(height: 3, width: 4, tiles: [whole]) }
        #expect(throws: ImageError.self) { try TileStitching(height: 4, width: 4, tiles: [part]) }
        #expect(throws: ImageError.self) { try TileStitching(height: 4, width: 4, tiles: []) }
        #expect(throws: ImageError.self) { try TileStitching(height: 0, width: 4, tiles: []) }
        #expect(throws: ImageError.self) { try TileStitching(height: 4, width: 4, tiles: [whole])([]) }
    }
}
