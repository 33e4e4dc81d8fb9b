import Testing

@testable import ImageProcessing

@Suite("Resizing to the nearest pixel")
struct NearestResizeTests {
    // cv2.resize(np.arange(from), (to, 1), interpolation=cv2.INTER_NEAREST) of OpenCV 5.0.0. The last two show that the step
    // is the reciprocal of a rounded ratio: exact fractions would copy pixel 3 to place 17 of the first.
    @Test(
        "copies the pixels that OpenCV's INTER_NEAREST copies",
        arguments: [
            (5, [0, 1, 3]), (3, [0, 0, 0, 1, 1, 2, 2]), (49, [0, 4, 9, 14, 19, 24, 29, 34, 39, 44]), (1, [0, 0, 0, 0]), (4, [0]),
            (
                6,
                [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5]
            ),
            (
                93,
                [0, 3, 6, 10, 13, 17, 20, 24, 27, 30, 34, 37, 41, 44, 48, 51, 55, 58, 61, 65, 68, 72, 75, 79, 82, 86, 89]
            ),
        ] as [(Int, [Int])])
    func equalsOpenCV(side: Int, copied: [Int]) throws {
        let row = try #require(Image(height: 1, width: side, values: Array(0..<side)))
        #expect(try row.resizedToNearest(height: 1, width: copied.count).values == copied)
        let column = try #require(Image(height: side, width: 1, values: Array(0..<side)))
        #expect(try column.resizedToNearest(height: copied.count, width: 1).values == copied)
        #expect(try column.resizedToNearest(height: side, width: 3).values == (0..<side).flatMap { [$0, $0, $0] })
    }

    @Test("sides that no image has are refused")
    func sides() throws {
        let image = try #require(Image<Int32>(height: 3, width: 4, repeating: 0))
        for (height, width) in [(0, 1), (1, 0), (-3, 4), (65_537, 1)] {
            #expect(throws: ImageError.self) { try image.resizedToNearest(height: height, width: width) }
        }
    }
}
