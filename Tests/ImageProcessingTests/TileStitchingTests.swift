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

    @Test("across borders, cells are interpolated as if all tiles were one grid")
    func across() throws {
        // Cells of 4 pixels, with values on a plane at their centres.
        let grid = try TileGrid(height: 32, width: 48)
        let maps = try grid.tiles.map { tile in
            let values = (0..<24).map { index -> Float in
                let (y, x) = (tile.y.lowerBound + index / 6 * 4, tile.x.lowerBound + index % 6 * 4)
                return 0.1 * (Float(y) + 1.5) + 0.2 * (Float(x) + 1.5)
            }
            return try #require(Image(height: 4, width: 6, values: values))
        }
        let result = try TileStitching(height: 32, width: 48, grid: grid, join: .across)(maps)
        // Half a cell from the border of the slice there is nothing to interpolate with.
        for y in 2..<30 {
            for x in 2..<46 { #expect(abs(result[y: y, x: x] - (0.1 * Float(y) + 0.2 * Float(x))) < 1e-4, "\(y), \(x)") }
        }
        let separate = try TileStitching(height: 32, width: 48, grid: grid)(maps)
        #expect(abs(separate[y: 8, x: 24] - separate[y: 8, x: 23] - 0.8) < 1e-4)
    }

    @Test("across borders, constants stay, slices of cells of a pixel come back, and no value lies beyond those of the maps")
    func acrossLaws() throws {
        let slice = try #require(SyntheticImage.real(height: 57, width: 70, seed: 6))
        for overlap in [0, 1, 12] {
            for (rows, columns) in [(1, 1), (2, 2), (3, 4)] {
                let grid = try TileGrid(height: 57, width: 70, rows: rows, columns: columns, overlap: overlap)
                let stitching = try TileStitching(height: 57, width: 70, grid: grid, join: .across)
                let result = try stitching(grid.tiles.map { try slice.cropped(to: $0) })
                #expect(zip(result.values, slice.values).allSatisfy { abs($0 - $1) < 1e-5 })
                let constants = grid.tiles.indices.compactMap { Image<Float>(height: 1 + $0, width: 3, repeating: 0.7) }
                #expect(try stitching(constants).values.allSatisfy { abs($0 - 0.7) < 1e-6 })
                let levels = grid.tiles.indices.compactMap { Image<Float>(height: 5, width: 90, repeating: Float($0)) }
                let greatest = Float(levels.count - 1)
                #expect(try stitching(levels).values.allSatisfy { $0 >= 0 && $0 <= greatest })
            }
        }
    }

    @Test("in an overlap of tiles of small cells the weight is a raised cosine")
    func raisedCosine() throws {
        let regions = [ImageRegion(y: 0..<3, x: 0..<12), ImageRegion(y: 0..<3, x: 8..<20)].compactMap { $0 }
        let maps = [Float(0), 1].compactMap { Image<Float>(height: 3, width: 12, repeating: $0) }
        let result = try TileStitching(height: 3, width: 20, tiles: regions, join: .across)(maps)
        // sin² of 11.25, 33.75, 56.25 and 78.75 degrees.
        let expected: [Float] =
            Array(repeating: 0, count: 8) + [0.03806, 0.30866, 0.69134, 0.96194] + Array(repeating: 1, count: 8)
        for y in 0..<3 {
            for x in 0..<20 { #expect(abs(result[y: y, x: x] - expected[x]) < 1e-4, "\(x)") }
        }
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
