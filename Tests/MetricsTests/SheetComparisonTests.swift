import Basics
import ImageProcessing
import Testing
import Volumes

@testable import Metrics

@Suite("Agreement of centre surfaces") struct SheetComparisonTests {
    /// A sphere's shell, or a plane, of a thickness in voxels; `shift` moves it along x.
    private func shell(_ thickness: Double, radius: Double = 14, shift: Double = 0) throws -> SampleVolume {
        try SampleVolume(z: 44, y: 44, x: 48) { x, y, z in
            let place = SIMD3(Double(x) - shift - 22.3, Double(y) - 21.6, Double(z) - 21.4)
            return abs((place * place).sum().squareRoot() - radius) <= thickness / 2
        }
    }

    private func compare(
        _ prediction: SampleVolume, _ truth: SampleVolume, tolerance: Double = 1, edge: Double = 10, region: SampleVolume? = nil
    ) throws -> SheetAgreement {
        var comparison = try SheetComparison(
            shape: truth.shape, voxelSize: voxelSize(edge, edge, edge), toleranceInVoxels: tolerance)
        for z in 0..<truth.shape.z {
            try comparison.add(prediction: prediction.slices[z], truth: truth.slices[z], region: region?.slices[z])
        }
        return try comparison.finish()
    }

    @Test("it is 1 for the same surface at any thickness, which is told for both; 0 for surfaces that are far away")
    func thickness() throws {
        for (one, other) in [(3.0, 3.0), (2.5, 6), (4, 8), (7, 3.5)] {
            let agreement = try compare(shell(one), shell(other))
            let dice = try #require(agreement.dice)
            #expect(dice > 0.99, "\(one) \(other): \(dice)")
            for (side, thickness) in [(agreement.prediction, one), (agreement.truth, other)] {
                let found = try #require(side.thicknessInAngstroms)
                #expect(abs(found - 10 * thickness) < 0.1 * 10 * thickness, "\(found) of \(10 * thickness) Å")
            }
            let area = agreement.truth.areaInSquareAngstroms
            #expect(abs(area / (4 * .pi * 140 * 140) - 1) < 0.1, "\(area)")
        }
        let far = try compare(shell(3, radius: 6), shell(3, radius: 14))
        #expect(far.dice == 0 && far.precision == 0 && far.recall == 0)
    }

    @Test("flat sheets along the grid have the thickness that they have, wherever their middle is", arguments: 2...7)
    func flat(thickness: Int) throws {
        let sheet = try SampleVolume(z: 30, y: 20, x: 24) { _, _, z in (11..<11 + thickness).contains(z) }
        let found = try #require(try compare(sheet, sheet).truth.thicknessInAngstroms)
        #expect(abs(found - 10 * Double(thickness)) < 0.05 * 10 * Double(thickness), "\(found) Å of \(thickness) voxels")
    }

    @Test("it is symmetric, and grows with the tolerance") func laws() throws {
        let (one, other) = (try shell(4), try shell(3, shift: 1.5))
        var last = 0.0
        for tolerance in [0, 0.5, 1, 1.5, 2.5] {
            let (there, back) = (try compare(one, other, tolerance: tolerance), try compare(other, one, tolerance: tolerance))
            #expect(there.dice == back.dice && there.precision == back.recall && there.recall == back.precision)
            #expect(there.prediction == back.truth && there.truth == back.prediction)
            let dice = try #require(there.dice)
            #expect(dice >= last && dice <= 1)
            last = dice
        }
        #expect(last > 0.95)
    }

    @Test("near places are those of brute force") func bruteForce() throws {
        let (one, other) = (try shell(4), try shell(3, shift: 2))
        func places(_ volume: SampleVolume) throws -> [SIMD3<Double>] {
            var finder = try CentreSurfaceFinder(shape: volume.shape, voxelSize: voxelSize(10, 10, 10))
            return try volume.slices.flatMap { try finder.add($0) }.enumerated().flatMap { z, slice in
                slice.values.enumerated().compactMap { pixel, code in
                    CentreSurface.offset(of: code).map { $0 + SIMD3(Double(pixel % 48), Double(pixel / 48), Double(z)) }
                }
            }
        }
        let (mine, theirs) = (try places(one), try places(other))
        for tolerance in [0.7, 1.2] {
            let square = tolerance * tolerance + CentreSurface.samplingExcess
            func near(_ some: [SIMD3<Double>], _ others: [SIMD3<Double>]) -> Int {
                some.count { place in others.contains { (($0 - place) * ($0 - place)).sum() <= square } }
            }
            let agreement = try compare(one, other, tolerance: tolerance)
            #expect(agreement.prediction.places == mine.count && agreement.truth.places == theirs.count)
            #expect(agreement.prediction.agreeing == near(mine, theirs) && agreement.truth.agreeing == near(theirs, mine))
        }
    }

    @Test("what lies outside of the region does not count, and what is empty is nil or 0") func regions() throws {
        let (one, other) = (try shell(4), try shell(4, shift: 3))
        let half = try SampleVolume(z: 44, y: 44, x: 48) { _, y, _ in y < 22 }
        let (all, part) = (try compare(one, other), try compare(one, other, region: half))
        #expect(part.prediction.places < all.prediction.places && part.prediction.places > all.prediction.places / 3)
        #expect(part.prediction.volumeInCubicAngstroms < 0.6 * all.prediction.volumeInCubicAngstroms)
        let nothing = try SampleVolume(z: 44, y: 44, x: 48) { _, _, _ in false }
        let missed = try compare(nothing, one)
        #expect(missed.dice == 0 && missed.precision == nil && missed.recall == 0)
        #expect(missed.prediction.thicknessInAngstroms == nil && missed.truth.thicknessInAngstroms != nil)
        #expect(try compare(nothing, nothing).dice == nil)
    }

    @Test("what does not fit is refused") func badInput() throws {
        let one = try shell(3)
        for tolerance in [-1, 20.5, .nan] {
            #expect(throws: MetricsError.self) { try compare(one, one, tolerance: tolerance) }
        }
        var comparison = try SheetComparison(shape: one.shape, voxelSize: voxelSize(10, 10, 10))
        let small = try #require(Mask(height: 3, width: 3, repeating: true))
        #expect(throws: MetricsError.self) { try comparison.add(prediction: one.slices[0], truth: small) }
        #expect(throws: MetricsError.self) { try comparison.add(prediction: one.slices[0], truth: one.slices[0], region: small) }
        try comparison.add(prediction: one.slices[0], truth: one.slices[0])
        #expect(throws: MetricsError.self) { try comparison.finish() }
    }
}
