import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Watershed and its markers")
struct WatershedTests {
    @Test("equals scikit-image in every pixel: 160 landscapes with plateaus and ties, by digest")
    func equalsScikitImage() throws {
        let rows = try GoldenFile("instances/watershed.csv", in: .module).rows()
        #expect(rows.count == 160)
        for var row in rows {
            let flood = try #require(try FloodCase(&row))
            let bytes = try flood.labels.values.flatMap { label in
                (0..<4).map { UInt8(truncatingIfNeeded: label >> (8 * $0)) }
            }
            let expected = try row.text()
            #expect(Digest(of: bytes).hexadecimal == expected, "\(flood)")
        }
    }

    @Test("laws: markers stay, nothing lies outside of the mask, and what a marker can reach has a label")
    func laws() throws {
        for var row in try GoldenFile("instances/watershed.csv", in: .module).rows() {
            let flood = try #require(try FloodCase(&row))
            let labels = try flood.labels
            let components = flood.mask.components(flood.connectivity)
            var isReached = [Bool](repeating: false, count: components.count + 1)
            for (component, marker) in zip(components.labels.values, flood.markers.values) where marker > 0 {
                isReached[Int(component)] = true
            }
            for index in labels.values.indices {
                let (label, marker) = (labels.values[index], flood.markers.values[index])
                let component = components.labels.values[index]
                #expect((label > 0) == (component > 0 && isReached[Int(component)]))
                if component > 0, marker > 0 { #expect(label == marker) }
            }
        }
    }

    @Test("the order of values decides, not what they are")
    func monotone() throws {
        let image = try #require(SyntheticImage.noise.make(height: 40, width: 33, seed: 4)).map { Float($0) - 100 }
        var markers = image.map { _ in Int32(0) }
        for place in 0..<6 { markers[y: 6 * place, x: 5 * place] = Int32(place + 1) }
        let watershed = Watershed(connectivity: .eight)
        let labels = try watershed(image, markers: markers)
        #expect(try watershed(image.map { 3 * $0 + 7 }, markers: markers) == labels)
        #expect(try watershed(image.map { $0 * $0 * $0 }, markers: markers) == labels)
        #expect(labels.values.allSatisfy { $0 > 0 })
    }

    @Test("what is not a number is flooded last, and −0 is 0")
    func oddNumbers() throws {
        let image = try #require(Image<Float>(height: 1, width: 5, values: [-0.0, 0, .nan, .infinity, -.infinity]))
        let markers = try #require(Image<Int32>(height: 1, width: 5, values: [1, 0, 0, 0, 2]))
        #expect(try Watershed()(image, markers: markers).values == [1, 1, 1, 2, 2])
    }

    @Test("sizes that differ and negative markers are refused")
    func refuses() throws {
        let image = try #require(Image<Float>(height: 2, width: 3, repeating: 0))
        let markers = try #require(Image<Int32>(height: 3, width: 2, repeating: 0))
        #expect(throws: ImageError.self) { try Watershed()(image, markers: markers) }
        #expect(throws: ImageError.self) { try Watershed()(image, markers: image.map { _ in -1 }) }
        #expect(throws: ImageError.self) {
            try Watershed()(image, markers: image.map { _ in 1 }, mask: markers.map { _ in true })
        }
        #expect(throws: ImageError.self) { try SaddleMerging(ratio: 0.5)(image, mask: markers.map { _ in true }) }
        for ratio in [0, -1, 1.1, .nan, .infinity] { #expect(throws: ImageError.self) { try SaddleMerging(ratio: ratio) } }
    }

    @Test("tops count as one hill where the saddle is high enough for the lower of them")
    func saddles() throws {
        let heights: [Float] = [0, 4, 3, 6, 1, 2, 2, 0, 8, 8, 5]
        let map = try #require(Image<Float>(height: 1, width: heights.count, values: heights))
        let mask = map.map { _ in true }
        func markers(_ ratio: Double) throws -> [Int32] { try SaddleMerging(ratio: ratio)(map, mask: mask).values }
        #expect(try markers(1) == [0, 1, 0, 2, 0, 3, 0, 0, 4, 0, 0])
        // 3 of 4 is three quarters, 1 of 2 a half.
        #expect(try markers(0.76) == markers(1))
        #expect(try markers(0.75) == [0, 1, 0, 1, 0, 2, 0, 0, 3, 0, 0])
        #expect(try markers(0.5) == [0, 1, 0, 1, 0, 1, 0, 0, 2, 0, 0])
        #expect(try SaddleMerging(ratio: 1)(map, mask: map.map { $0 > 4 }).values == [0, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0])
    }

    @Test("hills at ratio 1 are the regional maxima, at a tiny one the components; scale does not matter")
    func hills() throws {
        for seed in 0..<6 as Range<UInt64> {
            let map = try #require(SyntheticImage.noise.make(height: 30, width: 41, seed: seed)).map { Float($0 / 8) }
            let positive = map.map { $0 > 0 }
            let mask = try #require(SyntheticMask.noise.make(height: 30, width: 41, seed: seed))
            let tops = try SaddleMerging(ratio: 1)(map, mask: mask)
            #expect(Int(tops.values.max() ?? 0) == regionalMaxima(of: map, mask))
            let both = Mask(height: 30, width: 41, values: zip(mask.values, positive.values).map { $0 && $1 })
            let components = try #require(both).components(.eight).count
            #expect(Int(try SaddleMerging(ratio: 1e-6)(map, mask: mask).values.max() ?? 0) == components)
            let merging = try SaddleMerging(ratio: 0.7)
            #expect(try merging(map.map { 32 * $0 }, mask: mask) == merging(map, mask: mask))
        }
    }

    /// Plateaus above zero without a higher neighbour.
    private func regionalMaxima(of map: Image<Float>, _ mask: Mask) -> Int {
        func height(_ y: Int, _ x: Int) -> Float {
            y >= 0 && x >= 0 && y < map.height && x < map.width && mask[y: y, x: x] ? map[y: y, x: x] : 0
        }
        return Set(map.values).filter { $0 > 0 }.reduce(0) { count, level in
            let components = Mask(
                height: map.height, width: map.width, values: zip(map.values, mask.values).map { $0 == level && $1 })?.components(
                    .eight)
            guard let components else { return count }
            var isTop = [Bool](repeating: true, count: components.count + 1)
            for y in 0..<map.height {
                for x in 0..<map.width where components.labels[y: y, x: x] > 0 {
                    for dy in -1...1 {
                        for dx in -1...1 where height(y + dy, x + dx) > level {
                            isTop[Int(components.labels[y: y, x: x])] = false
                        }
                    }
                }
            }
            return count + isTop.dropFirst().count { $0 }
        }
    }
}
