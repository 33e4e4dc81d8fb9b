import Basics
import Testing
import Volumes

@testable import Pipeline

@Suite("A tomogram at a network's voxel size") struct VoxelScaleTests {
    private func scale(
        _ shape: VolumeShape, _ size: Double, learned: Double = 10, most: Double = 1.7
    ) throws -> VoxelScale {
        try VoxelScale(
            #require(VoxelSize(cubicInAngstroms: size)), of: shape, learned: learned, tolerance: 0.05, most: most, tomogram: "d/t"
        )
    }

    /// Reads boxes of an array `[z][y][x]`.
    private func reader(_ values: [Float], _ shape: VolumeShape) -> (Box) -> [Float] {
        { box in
            box.z.flatMap { z in
                box.y.flatMap { y in box.x.map { x in values[(z * shape.y + y) * shape.x + x] } }
            }
        }
    }

    @Test("is as it is within the tolerance, scaled within the limit, and refused beyond it, with the bounds")
    func limits() throws {
        let shape = try #require(VolumeShape(z: 10, y: 20, x: 30))
        #expect(try scale(shape, 10.4).isIdentity && scale(shape, 10.4).scaledShape == shape)
        let half = try scale(shape, 6)
        #expect(!half.isIdentity && half.scaledShape == VolumeShape(z: 6, y: 12, x: 18))
        for (size, most) in [(5.0, 1.7), (17.5, 1.7), (12, 1), (8, 1)] {
            let error = #expect(throws: PipelineError.self) { try scale(shape, size, most: most) }
            #expect(error?.message.contains("d/t") == true)
            if most > 1 { #expect(error?.message.contains("from 5.88 to 17.0 Å") == true, "\(error?.message ?? "")") }
        }
        // A magnification enlarges what is within the limits without it.
        let large = try VoxelScale(
            #require(VoxelSize(cubicInAngstroms: 10.4)), of: shape, learned: 10, tolerance: 0.05, most: 1, magnification: 1.5,
            tomogram: "d/t")
        #expect(large.scaledShape == VolumeShape(z: 15, y: 30, x: 45) && large.ratios == [1.5, 1.5, 1.5])
        // Slices of another thickness are scaled along z alone.
        let flat = try VoxelScale(
            #require(VoxelSize(xInAngstroms: 10, yInAngstroms: 10, zInAngstroms: 15)), of: shape, learned: 10, tolerance: 0.05,
            most: 1.7, tomogram: "d/t")
        #expect(flat.scaledShape == VolumeShape(z: 15, y: 20, x: 30))
    }

    @Test(
        "magnifications are one to four different numbers",
        arguments: [
            ("", "no magnification"), ("0.4", "0.5 to 2"), ("3", "0.5 to 2"), ("nan", "0.5 to 2"), ("1,", "no magnification"),
            ("1, 1.0", "named twice"), ("1,1.1,1.2,1.3,1.4", "more than 4"),
        ])
    func magnifications(text: String, expected: String) throws {
        let error = #expect(throws: PipelineError.self) { try Magnifications(parsing: text) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(try Magnifications(parsing: " 1, 1.3").values == [1, 1.3])
    }

    @Test("a linear density stays linear, and a constant one constant", arguments: 1...20 as ClosedRange<UInt64>)
    func linear(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let shape = try #require(
            VolumeShape(z: 8 + random.index(below: 12), y: 8 + random.index(below: 20), x: 8 + random.index(below: 20)))
        let scale = try scale(shape, 6 + random.unit() * 10.5)
        let values = (0..<shape.count).map { index in
            Float(index % shape.x) + 2 * Float(index / shape.x % shape.y) - 3 * Float(index / shape.voxelsPerSlice)
        }
        let scaled = scale.scaledShape
        func range(_ length: Int) -> Range<Int> {
            let first = random.index(below: length)
            return first..<first + 1 + random.index(below: length - first)
        }
        let box = try #require(Box(z: range(scaled.z), y: range(scaled.y), x: range(scaled.x)))
        let result = try scale.scaled(box, read: reader(values, shape))
        #expect(result.count == box.shape.count)
        let flat = try scale.scaled(box, read: reader([Float](repeating: 5, count: shape.count), shape))
        #expect(flat.allSatisfy { abs($0 - 5) < 1e-5 })
        let whole = try scale.scaled(scaled.box, read: reader(values, shape))
        var index = 0
        for z in box.z {
            for y in box.y {
                for x in box.x {
                    // A box shows what the whole shows.
                    #expect(result[index] == whole[(z * scaled.y + y) * scaled.x + x])
                    let place = zip([z, y, x], scale.ratios).map { (Double($0) + 0.5) / $1 - 0.5 }
                    // Where no voxel beyond the tomogram is asked for.
                    let lengths = [shape.z, shape.y, shape.x]
                    let isInside = zip(place, lengths).allSatisfy { $0 >= 2 && $0 <= Double($1) - 3 }
                    if isInside {
                        let expected = place[2] + 2 * place[1] - 3 * place[0]
                        // Interpolation is exact; the middle of a mean over sampled weights lies a little beside the place.
                        let most = scale.ratios[0] >= 1 ? 1e-3 : 0.35
                        #expect(abs(Double(result[index]) - expected) < most, "\(place)")
                    }
                    index += 1
                }
            }
        }
    }

    @Test("noise becomes weaker where voxels become larger")
    func noise() throws {
        let shape = try #require(VolumeShape(z: 24, y: 40, x: 40))
        var random = RandomStream(seed: 3)
        let values = (0..<shape.count).map { _ in Float(random.normal()) }
        func deviation(_ size: Double) throws -> Double {
            let scale = try scale(shape, size, most: 4)
            let scaled = try scale.scaled(scale.scaledShape.box, read: reader(values, shape))
            return (scaled.reduce(0.0) { $0 + Double($1 * $1) } / Double(scaled.count)).squareRoot()
        }
        #expect(try abs(deviation(10) - 1) < 0.02)
        #expect(try deviation(5) < 0.5 && deviation(2.5) < 0.25)
    }

    @Test(
        "what is given back has the tomogram's slices, and begins anywhere with the same bits",
        arguments: [6.0, 7.3, 10, 13.1, 16.9])
    func restored(size: Double) throws {
        let shape = try #require(VolumeShape(z: 13, y: 9, x: 11))
        let scale = try scale(shape, size)
        let scaled = scale.scaledShape
        // The places of the scaled voxels themselves, which interpolation gives back.
        func slice(_ z: Int) -> [Float] {
            (0..<scaled.voxelsPerSlice).flatMap { pixel in [Float(z), Float(pixel / scaled.x), Float(pixel % scaled.x)] }
        }
        func restore(from first: Int) throws -> [[Float]] {
            var restoring = VoxelScale.Restoring(scale, values: 3, first: first)
            var slices: [[Float]] = []
            for z in restoring.firstNeeded..<scaled.z { try restoring.append(z, slice(z)) { slices.append($0) } }
            return slices
        }
        let whole = try restore(from: 0)
        #expect(whole.count == shape.z && whole.allSatisfy { $0.count == shape.voxelsPerSlice * 3 })
        for first in 0..<shape.z { #expect(try restore(from: first) == Array(whole[first...])) }
        // Some slices alone, from those that they need.
        for first in 0..<shape.z {
            for end in first + 1...shape.z {
                var restoring = VoxelScale.Restoring(scale, values: 3, first: first, end: end)
                var slices: [[Float]] = []
                for z in restoring.firstNeeded...restoring.lastNeeded { try restoring.append(z, slice(z)) { slices.append($0) } }
                #expect(slices == Array(whole[first..<end]))
            }
        }
        for (z, values) in whole.enumerated() {
            for pixel in 0..<shape.voxelsPerSlice {
                let wanted = zip([z, pixel / shape.x, pixel % shape.x], scale.ratios).map { (Double($0) + 0.5) * $1 - 0.5 }
                for (axis, length) in [scaled.z, scaled.y, scaled.x].enumerated() {
                    let expected = min(max(wanted[axis], 0), Double(length - 1))
                    #expect(abs(Double(values[pixel * 3 + axis]) - expected) < 1e-4)
                }
            }
        }
    }
}
