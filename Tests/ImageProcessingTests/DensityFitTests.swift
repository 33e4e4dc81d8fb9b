import Basics
import Testing

@testable import ImageProcessing

@Suite("The fit of maps to densities")
struct DensityFitTests {
    private static func image(_ side: Int, _ value: (_ y: Int, _ x: Int) -> Float) throws -> Image<Float> {
        try #require(Image(height: side, width: side, values: (0..<side * side).map { value($0 / side, $0 % side) }))
    }

    /// Noise in −1 … 1, another value for each pixel.
    private static func noise(_ side: Int, seed: UInt64) throws -> Image<Float> {
        var generator = RandomStream(state: seed)
        return try image(side) { _, _ in Float.random(in: -1...1, using: &generator) }
    }

    @Test("a density that is a line of the map is found again, from pixels of any cell", arguments: [1, 3, 8])
    func line(cell: Int) throws {
        let map = try Self.image(16) { y, x in Float((y * 7 + x * 3) % 11) / 11 }
        let density = try Self.image(16 * cell) { y, x in 0.2 + 0.5 * map[y: y / cell, x: x / cell] }
        let fit = try DensityFit(map: map, density: density)
        #expect(abs(fit.gain - 0.5) < 1e-5 && abs(fit.offset - 0.2) < 1e-5 && abs(fit.determination - 1) < 1e-5)
        let result = fit(map)
        for index in map.values.indices { #expect(abs(result.values[index] - (0.2 + 0.5 * map.values[index])) < 1e-5) }
    }

    @Test("sign, length and level of a map change nothing of what it becomes")
    func invariance() throws {
        let density = try Self.noise(12, seed: 1)
        let map = try Self.noise(12, seed: 2)
        let expected = try DensityFit(map: map, density: density)(map)
        for (factor, shift) in [(Float(-1), Float(0)), (20, 3), (-0.01, 1)] {
            let other = map.map { factor * $0 + shift }
            let fit = try DensityFit(map: other, density: density)
            #expect(zip(fit(other).values, expected.values).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    @Test("a map that explains nothing becomes flat, at the mean density")
    func unrelated() throws {
        // Stripes along y and along x have no correlation.
        let density = try Self.image(16) { y, _ in y % 2 == 0 ? 0.25 : 0.75 }
        let map = try Self.image(16) { _, x in x % 2 == 0 ? 0 : 1 }
        let fit = try DensityFit(map: map, density: density)
        #expect(abs(fit.gain) < 1e-9 && fit.determination < 1e-9 && fit.explainedPart < 1e-9)
        #expect(fit(map).values.allSatisfy { abs($0 - 0.5) < 1e-5 })
    }

    @Test("structures larger than a token are told from noise, which a map may follow as well as it likes")
    func coherence() throws {
        for seed in UInt64(1)...5 {
            let noise = try Self.noise(48, seed: seed)
            let empty = try DensityFit(map: noise, density: noise)
            // The standard deviation of such a correlation is about 1 / √(2 · 48²) = .015.
            #expect(empty.determination > 0.999 && empty.explainedPart < 0.1)
            let full = try Self.image(48) { y, x in
                (y % 12 < 5 && x % 12 < 5 ? 2 : 0) + noise[y: y, x: x]
            }
            #expect(try DensityFit(map: full, density: full).explainedPart > 0.15)
        }
        // Stripes of four rows.
        let stripes = try Self.image(32) { y, _ in y / 4 % 2 == 0 ? 1 : -1 }
        let fit = try DensityFit(map: stripes, density: stripes)
        // Along x all pairs are alike; along y those of 16 of 30 rows are, and 14 are opposite.
        let expected = (1.0 + 2.0 / 30) / 2
        #expect(abs(fit.coherence - expected) < 1e-6)
    }

    @Test("below the floor contrast fades in proportion, down to the mean density")
    func contrast() throws {
        let map = try Self.image(16) { y, x in y % 8 < 4 && x % 8 < 4 ? 1 : 0 }
        let fit = try DensityFit(map: map, density: map)
        let part = fit.explainedPart
        #expect(part > 0)
        #expect(fit.contrast(floor: 0) == 1 && fit.contrast(floor: part / 2) == 1)
        #expect(abs(fit.contrast(floor: 4 * part) - 0.25) < 1e-9)
        #expect(fit(map, contrast: 0).values.allSatisfy { abs($0 - 0.25) < 1e-6 })
        let half = fit(map, contrast: 0.5)
        #expect(zip(half.values, map.values).allSatisfy { abs($0 - (0.25 + 0.5 * ($1 - 0.25))) < 1e-5 })
    }

    @Test("constant maps and densities, single tokens and what is not finite have a defined fit")
    func degenerate() throws {
        let noise = try Self.noise(8, seed: 1)
        for value in [Float(0), 0.3, 1e6] {
            let constant = try #require(Image<Float>(height: 8, width: 8, repeating: value))
            for (map, density) in [(constant, noise), (constant, constant), (noise, constant)] {
                let fit = try DensityFit(map: map, density: density)
                #expect(fit.explainedPart.isFinite && fit(map).values.allSatisfy(\.isFinite))
            }
            let fit = try DensityFit(map: constant, density: noise)
            #expect(fit.gain == 0 && fit.determination == 0)
            #expect(Set(fit(constant).values).count == 1)
        }
        let pixel = try #require(Image<Float>(height: 1, width: 1, repeating: 2))
        let one = try DensityFit(map: pixel, density: pixel)
        #expect(one.explainedPart == 0 && one(pixel).values == [2])
        var broken = noise
        broken[y: 3, x: 3] = .nan
        for (map, density) in [(broken, noise), (noise, broken)] {
            let fit = try DensityFit(map: map, density: density)
            #expect(fit.explainedPart == 0 && fit(map).values.allSatisfy(\.isFinite))
        }
        #expect(throws: ImageError.self) { try DensityFit(map: noise, density: pixel) }
    }

    @Test("one scale for several maps is that of all of their pixels; that of one map is its own")
    func sharedScale() throws {
        let (a, b) = (try Self.noise(10, seed: 1), try Self.noise(10, seed: 2).map { $0 / 10 })
        let scaling = try MapScaling(lowerPercent: 0, upperPercent: 100)
        let all = a.values + b.values
        #expect(try scaling.ends(of: [a, b]) == #require(all.min())...#require(all.max()))
        let usual = try MapScaling()
        #expect(try MapScaling.scale(a, from: #require(usual.ends(of: [a]))) == usual(a))
        #expect(usual.ends(of: []) == nil)
        let nothing = try #require(Image<Float>(height: 2, width: 2, repeating: .nan))
        #expect(usual.ends(of: [nothing]) == nil && usual(nothing).values == [0, 0, 0, 0])
    }
}
