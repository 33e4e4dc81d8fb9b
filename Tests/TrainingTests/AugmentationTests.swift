import Basics
import Foundation
import Tensors
import Testing
import Volumes

@testable import Training

@Suite("Augmentations") struct AugmentationTests {
    private static func random(_ range: ClosedRange<Double>, _ stream: inout RandomStream) -> Double {
        range.lowerBound + stream.unit() * (range.upperBound - range.lowerBound)
    }

    @Test("a list as text is read back as the same list", arguments: 1...20 as ClosedRange<UInt64>)
    func text(seed: UInt64) throws {
        var stream = RandomStream(seed: seed)
        let list = try (0..<stream.index(below: 8)).map { _ in
            let kind = Augmentation.Kind.allCases[stream.index(below: Augmentation.Kind.allCases.count)]
            let bounds = [Self.random(kind.limits, &stream), Self.random(kind.limits, &stream)].sorted()
            return try Augmentation(kind, probability: stream.unit(), bounds[0]...bounds[1])
        }
        let augmentations = Augmentations(list)
        #expect(try Augmentations(parsing: augmentations.text) == augmentations)
    }

    @Test(
        "what is no list is refused with the word that is wrong",
        arguments: [
            ("", "\"\""), ("turn 0.5 0..1", "turn"), ("noise 0.5", "noise 0.5"), ("noise 2 0..1", "2"), ("noise -1 0..1", "-1"),
            ("noise nan 0..1", "nan"), ("noise 0.5 1..0", "1..0"), ("noise 0.5 0..99", "99"), ("zoom 0.5 0..1", "0.0"),
            ("noise 0.5 0..1,", "\"\""), ("noise 0.5 0...1", "0...1"), ("noise 0.5 nan..1", "nan"), ("noise 0.5 0..inf", "inf"),
        ])
    func refused(text: String, word: String) {
        do throws(TrainingError) {
            _ = try Augmentations(parsing: text)
            Issue.record("\(text) was accepted")
        } catch {
            #expect(error.message.contains(word), "\(error.message)")
        }
    }

    /// A volume whose density is a linear function of the position.
    private static func ramp(_ shape: VolumeShape) throws -> PatchVolume {
        try PatchVolume(shape: shape, mean: 0, standardDeviation: 1) { box in
            box.z.flatMap { z in box.y.flatMap { y in box.x.map { x in Float(z) * 0.5 - Float(y) * 0.25 + Float(x) } } }
        }
    }

    @Test("a turned and enlarged patch shows what lies there", arguments: 1...20 as ClosedRange<UInt64>)
    func placed(seed: UInt64) throws {
        var stream = RandomStream(seed: seed)
        let shape = try #require(VolumeShape(z: 40, y: 90, x: 100))
        let region = LabelledRegion(volume: 0, box: shape.box, foreground: .particles([])) { part in
            part.z.flatMap { z in part.y.flatMap { y in part.x.map { x in UInt8((z / 4 + y / 8 + x / 8) % 3) } } }
        }
        let patchShape = try #require(
            VolumeShape(z: 1 + stream.index(below: 6), y: 8 + stream.index(below: 24), x: 8 + stream.index(below: 24)))
        let context = stream.index(below: 3)
        let sampler = try PatchSampler(
            volumes: [Self.ramp(shape)], regions: [region], shape: patchShape, context: context, foregroundShare: 0)
        let position = PatchSampler.PatchPosition(region: 0, origin: SIMD3(35, 30, 15))
        let placement = PatchPlacement(
            angle: Self.random(-.pi ... .pi, &stream), zoom: Self.random(0.8...1.5, &stream))
        let patch = try sampler.patch(at: position, placed: placement)
        #expect(patch.densityShape.z == patchShape.z + 2 * context)
        let middle = SIMD3(
            35 + Double(patchShape.x - 1) / 2, 30 + Double(patchShape.y - 1) / 2, 15 + Double(patchShape.z - 1) / 2)
        let (c, s) = (cos(placement.angle) / placement.zoom, sin(placement.angle) / placement.zoom)
        func place(_ z: Int, _ y: Int, _ x: Int, depth: Int) -> SIMD3<Double> {
            let (dy, dx) = (Double(y) - Double(patchShape.y - 1) / 2, Double(x) - Double(patchShape.x - 1) / 2)
            let dz = (Double(z) - Double(depth - 1) / 2) / placement.zoom
            return middle + SIMD3(s * dy + c * dx, c * dy - s * dx, dz)
        }
        // Linear interpolation is exact for a linear function.
        let depth = patch.densityShape.z
        for index in patch.densities.indices {
            let point = place(
                index / patchShape.voxelsPerSlice, index / patchShape.x % patchShape.y, index % patchShape.x, depth: depth)
            #expect(abs(Double(patch.densities[index]) - (point.z * 0.5 - point.y * 0.25 + point.x)) < 1e-3)
        }
        for index in patch.labels.indices {
            let point = place(
                index / patchShape.voxelsPerSlice, index / patchShape.x % patchShape.y, index % patchShape.x,
                depth: patchShape.z)
            // Not where rounding decides.
            guard [point.x, point.y, point.z].allSatisfy({ abs($0 - $0.rounded(.down) - 0.5) > 1e-6 }) else { continue }
            let expected = (Int(point.z.rounded()) / 4 + Int(point.y.rounded()) / 8 + Int(point.x.rounded()) / 8) % 3
            #expect(Int(patch.labels[index]) == expected)
        }
    }

    @Test("what lies beyond a region is ignored, however the patch lies")
    func beyond() throws {
        let shape = try #require(VolumeShape(z: 8, y: 64, x: 64))
        let box = try #require(Box(z: 2..<4, y: 0..<64, x: 0..<64))
        let region = LabelledRegion(volume: 0, box: box, foreground: .particles([])) { part in
            [UInt8](repeating: 1, count: part.shape.count)
        }
        let sampler = try PatchSampler(
            volumes: [Self.ramp(shape)], regions: [region], shape: try #require(VolumeShape(z: 1, y: 64, x: 64)), context: 2,
            foregroundShare: 0)
        let position = PatchSampler.PatchPosition(region: 0, origin: SIMD3(0, 0, 2))
        let turned = try sampler.patch(at: position, placed: PatchPlacement(angle: .pi / 4, zoom: 1))
        // The corners lie beyond the volume, the middle does not.
        #expect(turned.labels[0] == TrainingPatch.ignored && turned.labels[32 * 64 + 32] == 1)
        #expect(turned.densities.allSatisfy { $0.isFinite })
        // Slices before the first one are the first one.
        let upright = try sampler.patch(at: position)
        #expect(upright.densities[0] == 0 && upright.densities[4 * 64 * 64] == 2 && upright.labels.allSatisfy { $0 == 1 })
    }

    private static func noise(_ shape: VolumeShape, context: Int = 0, seed: UInt64) throws -> TrainingPatch {
        var stream = RandomStream(seed: seed)
        let count = shape.count + 2 * context * shape.voxelsPerSlice
        return try TrainingPatch(
            shape: shape, context: context, densities: (0..<count).map { _ in Float(stream.normal()) },
            labels: (0..<shape.count).map { _ in UInt8(stream.index(below: 3)) })
    }

    @Test(
        "filters and powers keep mean and standard deviation; labels stay",
        arguments: ["blur 1 0.5..2", "spectrum 1 0.2..0.8", "wedge 1 30..70", "gamma 1 0.5..2", "blur 1 1..1, wedge 1 60..60"])
    func moments(text: String) throws {
        let shape = try #require(VolumeShape(z: 3, y: 30, x: 26))
        for seed in 1...5 as ClosedRange<UInt64> {
            var stream = RandomStream(seed: seed)
            let patch = try Self.noise(shape, context: 1, seed: seed)
            let changed = try Augmentations(parsing: text).changed(patch, &stream)
            let (before, after) = (Moments(patch.densities), Moments(changed.densities))
            #expect(abs(before.mean - after.mean) < 1e-3 && abs(before.deviation - after.deviation) < 1e-3)
            #expect(changed.densities != patch.densities && changed.labels == patch.labels)
        }
    }

    @Test("a wedge removes waves along z, and a blur short ones")
    func filters() throws {
        let shape = try #require(VolumeShape(z: 32, y: 32, x: 32))
        func wave(_ body: (Int, Int, Int) -> Double) -> [Float] {
            (0..<shape.count).map { Float(body($0 / 1024, $0 / 32 % 32, $0 % 32)) }
        }
        func correlation(_ a: [Float], _ b: [Float]) -> Double {
            let sum = zip(a, b).reduce(0.0) { $0 + Double($1.0 * $1.1) }
            let (x, y) = (a.reduce(0.0) { $0 + Double($1 * $1) }, b.reduce(0.0) { $0 + Double($1 * $1) })
            return sum / (x * y).squareRoot()
        }
        let alongZ = wave { z, _, _ in cos(Double(z) * 2 * .pi / 8) }
        let inPlane = wave { _, y, x in cos(Double(x + y) * 2 * .pi / 8) }
        let short = wave { _, _, x in cos(Double(x) * 2 * .pi / 2.5) }
        let labels = [UInt8](repeating: 0, count: shape.count)
        func changed(_ text: String, _ densities: [Float]) throws -> [Float] {
            var stream = RandomStream(seed: 4)
            let patch = try TrainingPatch(shape: shape, densities: densities, labels: labels)
            return try Augmentations(parsing: text).changed(patch, &stream).densities
        }
        let wedged = try changed("wedge 1 45..45", zip(alongZ, inPlane).map { $0 + $1 })
        #expect(correlation(wedged, inPlane) > 0.95 && abs(correlation(wedged, alongZ)) < 0.15)
        let long = wave { _, y, x in cos(Double(x + y) * 2 * .pi / 16) }
        let blurred = try changed("blur 1 1..1", zip(short, long).map { $0 + $1 })
        #expect(correlation(blurred, long) > 0.95 && abs(correlation(blurred, short)) < 0.15)
    }

    @Test("boxes are blanked where their labels are ignored, and nowhere else", arguments: 1...10 as ClosedRange<UInt64>)
    func blank(seed: UInt64) throws {
        let shape = try #require(VolumeShape(z: 2, y: 20, x: 30))
        let patch = try Self.noise(shape, context: 1, seed: seed)
        var stream = RandomStream(seed: seed)
        let changed = try Augmentations(parsing: "blank 1 0.3..0.5").changed(patch, &stream)
        var count = 0
        for (index, label) in changed.labels.enumerated() {
            let density = changed.densities[index + shape.voxelsPerSlice]
            #expect((label == TrainingPatch.ignored) == (density == 0))
            if label == TrainingPatch.ignored { count += 1 } else { #expect(label == patch.labels[index]) }
        }
        #expect(count > 0 && count < shape.count)
    }

    @Test("contrast, brightness, gradient and noise do what they say")
    func densities() throws {
        let shape = try #require(VolumeShape(z: 1, y: 40, x: 40))
        let patch = try Self.noise(shape, seed: 3)
        func changed(_ text: String) throws -> [Float] {
            var stream = RandomStream(seed: 8)
            return try Augmentations(parsing: text).changed(patch, &stream).densities
        }
        #expect(try changed("contrast 1 2..2") == patch.densities.map { $0 * 2 })
        #expect(try changed("brightness 1 0.5..0.5") == patch.densities.map { $0 + 0.5 })
        #expect(try changed("contrast 0 2..2") == patch.densities && changed("none") == patch.densities)
        let slope = zip(try changed("gradient 1 0.7..0.7"), patch.densities).map { $0 - $1 }
        #expect(abs((slope.max() ?? 0) - 0.7) < 1e-4 && abs((slope.min() ?? 0) + 0.7) < 1e-4)
        let added = zip(try changed("noise 1 0.5..0.5"), patch.densities).map { $0 - $1 }
        #expect(abs(Moments(added).deviation - 0.5) < 0.05 && abs(Moments(added).mean) < 0.05)
    }

    @Test("a change has its probability, and the others do not depend on it")
    func chances() throws {
        let list = try Augmentations(parsing: "rotation 0.3 -10..10, zoom 0.5 0.5..2")
        let without = try Augmentations(parsing: "rotation 0 -10..10, zoom 0.5 0.5..2")
        var (turned, enlarged) = (0, 0)
        for seed in 0..<2000 as Range<UInt64> {
            var (stream, other) = (RandomStream(seed: seed), RandomStream(seed: seed))
            let placement = list.placement(&stream)
            if placement.angle != 0 { turned += 1 }
            if placement.zoom != 1 { enlarged += 1 }
            #expect(abs(placement.angle) <= 10 * .pi / 180 && (0.5...2).contains(placement.zoom))
            #expect(without.placement(&other).zoom == placement.zoom)
        }
        #expect(abs(turned - 600) < 80 && abs(enlarged - 1000) < 90)
    }
}
