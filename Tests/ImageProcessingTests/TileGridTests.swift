import Basics
import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Tile grids")
struct TileGridTests {
    @Test("two by two without overlap are the quadrants")
    func quadrants() throws {
        let grid = try TileGrid(height: 928, width: 960)
        #expect(
            grid.tiles == [
                ImageRegion(y: 0..<464, x: 0..<480), ImageRegion(y: 0..<464, x: 480..<960),
                ImageRegion(y: 464..<928, x: 0..<480), ImageRegion(y: 464..<928, x: 480..<960),
            ])
    }

    @Test("sides that do not divide have longer tiles, the last of which ends with the image")
    func indivisible() throws {
        let grid = try TileGrid(height: 10, width: 5, rows: 3, columns: 2)
        #expect(grid.tiles.map(\.y) == [0..<4, 0..<4, 3..<7, 3..<7, 6..<10, 6..<10])
        #expect(grid.tiles.map(\.x) == [0..<3, 2..<5, 0..<3, 2..<5, 0..<3, 2..<5])
    }

    @Test("tiles cover every pixel, are equal in size, distinct, and overlap by what was asked for: every grid of small images")
    func laws() throws {
        for side in 1...40 {
            for count in 1...8 {
                for overlap in 0...6 {
                    let grid: TileGrid
                    do {
                        grid = try TileGrid(height: side, width: 1, rows: count, columns: 1, overlap: overlap)
                    } catch {
                        #expect(count > 1 && count > side - overlap || count > side, "\(side) \(count) \(overlap): \(error)")
                        continue
                    }
                    let ranges = grid.tiles.map(\.y)
                    #expect(ranges.count == count && Set(ranges).count == count)
                    #expect(ranges.first?.lowerBound == 0 && ranges.last?.upperBound == side)
                    #expect(ranges.allSatisfy { $0.count == grid.tileHeight })
                    for (range, next) in zip(ranges, ranges.dropFirst()) {
                        #expect(range.upperBound - next.lowerBound >= overlap && range.lowerBound < next.lowerBound)
                    }
                    if count > 1, (side - overlap).isMultiple(of: count) {
                        #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound - $1.lowerBound == overlap })
                    }
                }
            }
        }
    }

    @Test("cropping to the tiles and putting them back gives the image")
    func roundTrip() throws {
        var random = RandomStream(state: 5)
        for _ in 0..<50 {
            let (height, width) = (Int.random(in: 12...60, using: &random), Int.random(in: 12...60, using: &random))
            let image = try #require(SyntheticImage.noise.make(height: height, width: width, seed: random.next()))
            let grid = try TileGrid(
                height: height, width: width, rows: Int.random(in: 1...4, using: &random),
                columns: Int.random(in: 1...4, using: &random), overlap: Int.random(in: 0...5, using: &random))
            var rebuilt = try #require(Image<UInt8>(height: height, width: width, repeating: 0))
            for tile in grid.tiles {
                let piece = try image.cropped(to: tile)
                #expect(piece.height == grid.tileHeight && piece.width == grid.tileWidth)
                for y in 0..<piece.height {
                    for x in 0..<piece.width {
                        rebuilt[y: tile.y.lowerBound + y, x: tile.x.lowerBound + x] = piece[y: y, x: x]
                    }
                }
            }
            #expect(rebuilt == image)
        }
    }

    @Test("grids that cannot be are refused")
    func refusals() {
        #expect(throws: ImageError.self) { try TileGrid(height: 10, width: 10, rows: 0) }
        #expect(throws: ImageError.self) { try TileGrid(height: 10, width: 10, rows: 257) }
        #expect(throws: ImageError.self) { try TileGrid(height: 10, width: 10, overlap: -1) }
        #expect(throws: ImageError.self) { try TileGrid(height: 10, width: 10, overlap: 10) }
        #expect(throws: ImageError.self) { try TileGrid(height: 10, width: 10, overlap: .max) }
        #expect(throws: ImageError.self) { try TileGrid(height: 1, width: 10) }
        #expect(throws: ImageError.self) { try TileGrid(height: 0, width: 10, rows: 1) }
        #expect(throws: ImageError.self) { try TileGrid(height: .max, width: .max) }
    }
}
