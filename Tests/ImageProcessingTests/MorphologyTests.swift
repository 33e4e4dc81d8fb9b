import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Morphology")
struct MorphologyTests {
    @Test("equals OpenCV and scikit-image: 45 masks, shapes and radii, by digest")
    func equalsOthers() throws {
        let rows = try GoldenFile("operations/morphology.csv", in: .module).rows()
        #expect(rows.count == 45)
        for var row in rows {
            let element = try StructuringElement(try row.value(StructuringElement.Shape.self), radius: try row.int())
            let (kind, height, width, seed) = (try row.value(SyntheticMask.self), try row.int(), try row.int(), try row.int())
            let mask = try #require(kind.make(height: height, width: width, seed: UInt64(seed)))
            for result in [
                mask.dilated(by: element), mask.eroded(by: element), mask.opened(by: element), mask.closed(by: element),
            ] {
                let expected = try row.text()
                #expect(Digest(of: result.bytes().values).hexadecimal == expected, "\(element) \(kind) \(seed)")
            }
        }
    }

    @Test(
        "laws: dilation and erosion are dual, opening shrinks, closing grows, and both are done once and for all",
        arguments: StructuringElement.Shape.allCases)
    func laws(shape: StructuringElement.Shape) throws {
        let mask = try #require(SyntheticMask.noise.make(height: 40, width: 61, seed: 3))
        for radius in [0, 1, 4, 127] {
            let element = try StructuringElement(shape, radius: radius)
            #expect(mask.map { !$0 }.eroded(by: element) == mask.dilated(by: element).map { !$0 })
            let (opened, closed) = (mask.opened(by: element), mask.closed(by: element))
            #expect(zip(opened.values, mask.values).allSatisfy { !$0 || $1 })
            #expect(zip(mask.values, closed.values).allSatisfy { !$0 || $1 })
            #expect(opened.opened(by: element) == opened)
            #expect(closed.closed(by: element) == closed)
            if radius == 0 { #expect(opened == mask && closed == mask) }
        }
    }

    @Test("a disc dilates to all that lies within its radius", arguments: [1, 2, 5, 12, 30])
    func discIsDistance(radius: Int) throws {
        let mask = try #require(SyntheticMask.tomogram.make(height: 60, width: 75, seed: 5))
        let distances = mask.map { !$0 }.distancesToBackground()
        let disc = try StructuringElement(.disc, radius: radius)
        #expect(mask.dilated(by: disc) == distances.map { $0 <= Float(radius) })
    }

    @Test("a radius that is negative or above 127 is refused", arguments: [-1, 128, Int.max, Int.min])
    func refusesRadius(radius: Int) {
        #expect(throws: ImageError.self) { try StructuringElement(.disc, radius: radius) }
    }
}
