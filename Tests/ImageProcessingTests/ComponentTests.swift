import Basics
import TestSupport
import Testing
import Volumes

@testable import ImageProcessing

@Suite("Components, contours, holes, distances")
struct ComponentTests {
    /// Of little-endian words.
    private func digest(_ words: [UInt32]) -> String {
        Digest(of: words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }).hexadecimal
    }

    @Test("equal SciPy, scikit-image and OpenCV: 80 masks, by digest")
    func equalOthers() throws {
        let rows = try GoldenFile("operations/components.csv", in: .module).rows()
        #expect(rows.count == 80)
        for var row in rows {
            let (kind, height, width, seed) = (try row.value(SyntheticMask.self), try row.int(), try row.int(), try row.int())
            let mask = try #require(kind.make(height: height, width: width, seed: UInt64(seed)))
            for connectivity in Connectivity.allCases {
                let (count, labels, filled) = (try row.int(), try row.text(), try row.text())
                let components = mask.components(connectivity)
                #expect(components.count == count, "\(kind) \(seed) \(connectivity)")
                #expect(
                    digest(components.labels.values.map { UInt32(bitPattern: $0) }) == labels, "\(kind) \(seed) \(connectivity)")
                #expect(Digest(of: mask.holesFilled(connectivity).bytes().values).hexadecimal == filled, "\(kind) \(seed)")
            }
            let contours = try row.int()
            #expect(mask.contourCount() == contours, "\(kind) \(seed)")
            let distances = try row.text()
            let result = mask.distancesToBackground()
            if distances.isEmpty {
                #expect(result.values.allSatisfy { $0 == .infinity })
            } else {
                #expect(digest(result.values.map(\.bitPattern)) == distances, "\(kind) \(seed)")
            }
        }
    }

    @Test("areas are those of the labels, and a mask can be made of some", arguments: Connectivity.allCases)
    func areas(connectivity: Connectivity) throws {
        for kind in SyntheticMask.allCases {
            let mask = try #require(kind.make(height: 70, width: 131, seed: 12))
            let components = mask.components(connectivity)
            var counted = [Int](repeating: 0, count: components.count + 1)
            for label in components.labels.values { counted[Int(label)] += 1 }
            #expect(Array(counted.dropFirst()) == components.areas)
            #expect(components.areas.reduce(0, +) == mask.foregroundCount)
            #expect(components.mask { _ in true } == mask)
            let large = components.mask { components.areas[$0 - 1] >= 10 }
            #expect(large.components(connectivity).areas == components.areas.filter { $0 >= 10 })
        }
    }

    @Test("corners join components; filling leaves no hole, and doing it again changes nothing")
    func ordering() throws {
        for seed in 0..<20 as Range<UInt64> {
            let mask = try #require(SyntheticMask.noise.make(height: 31, width: 77, seed: seed))
            #expect(mask.components(.eight).count <= mask.components(.four).count)
            #expect(mask.holesFilled().contourCount() == mask.holesFilled().components(.eight).count)
            #expect(mask.holesFilled().holesFilled() == mask.holesFilled())
        }
    }

    @Test("distances equal those of a search through all background pixels")
    func distancesBySearch() throws {
        for (seed, kind) in SyntheticMask.allCases.enumerated() where kind != .full {
            let mask = try #require(kind.make(height: 23, width: 37, seed: UInt64(seed)))
            let result = mask.distancesToBackground()
            for y in 0..<23 {
                for x in 0..<37 {
                    var least = Int.max
                    for v in 0..<23 {
                        for u in 0..<37 where !mask[y: v, x: u] { least = min(least, (v - y) * (v - y) + (u - x) * (u - x)) }
                    }
                    #expect(result[y: y, x: x] == Float(Double(least).squareRoot()))
                }
            }
        }
    }

    @Test("the Dice coefficient of masks: of equals 1, of strangers and of nothing 0")
    func dice() throws {
        let a = try #require(Mask(height: 1, width: 4, values: [true, true, false, false]))
        let b = try #require(Mask(height: 1, width: 4, values: [false, true, true, true]))
        #expect(try a.dice(with: a) == 1)
        #expect(try a.dice(with: b) == 0.4)
        #expect(try a.dice(with: a.map { !$0 }) == 0)
        let large = try #require(Mask(height: 2, width: 2, repeating: true))
        let empty = a.map { _ in false }
        #expect(try empty.dice(with: empty) == 0)
        #expect(throws: ImageError.self) { try a.dice(with: large) }
        #expect(Mask(nonzero: a.bytes(foreground: 200)) == a)
    }
}
