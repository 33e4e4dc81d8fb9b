import Basics
import Tensors
import Testing
import Volumes

@testable import Training

@Suite("Patches") struct PatchSamplerTests {
    private static func shape(_ z: Int, _ y: Int, _ x: Int) throws -> VolumeShape {
        try #require(VolumeShape(z: z, y: y, x: x))
    }

    /// A volume whose densities tell their position.
    private static func volume(_ shape: VolumeShape) throws -> PatchVolume {
        try PatchVolume(shape: shape, mean: 0, standardDeviation: 1) { box in
            box.z.flatMap { z in box.y.flatMap { y in box.x.map { x in Float((z * shape.y + y) * shape.x + x) } } }
        }
    }

    private static func region(_ box: Box, _ foreground: LabelledRegion.Foreground) -> LabelledRegion {
        LabelledRegion(volume: 0, box: box, foreground: foreground) { part in
            part.z.flatMap { z in part.y.flatMap { y in part.x.map { x in UInt8((z + y + x) % 5) } } }
        }
    }

    @Test("patches lie inside the region, or around it, and say what is there", arguments: 1...20 as ClosedRange<UInt64>)
    func positions(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let shape = try Self.shape(4 + random.index(below: 20), 4 + random.index(below: 20), 4 + random.index(below: 20))
        func range(_ length: Int) -> Range<Int> {
            let first = random.index(below: length - 2)
            return first..<first + 1 + random.index(below: length - first)
        }
        let box = try #require(Box(z: range(shape.z), y: range(shape.y), x: range(shape.x)))
        let patchShape = try Self.shape(1 + random.index(below: 24), 1 + random.index(below: 24), 1 + random.index(below: 24))
        let centers = (0..<5).map { _ in
            SIMD3(
                Double(box.x.lowerBound) + random.unit() * Double(box.x.count - 1),
                Double(box.y.lowerBound) + random.unit() * Double(box.y.count - 1),
                Double(box.z.lowerBound) + random.unit() * Double(box.z.count - 1))
        }
        let sampler = try PatchSampler(
            volumes: [Self.volume(shape)], regions: [Self.region(box, .particles(centers))], shape: patchShape,
            foregroundShare: 0.5, jitter: 14)
        for _ in 0..<20 {
            let position = sampler.drawPosition(&random)
            for (origin, length, axis) in [
                (position.origin.x, patchShape.x, box.x), (position.origin.y, patchShape.y, box.y),
                (position.origin.z, patchShape.z, box.z),
            ] {
                let patch = origin..<origin + length
                #expect(length <= axis.count ? patch.clamped(to: axis) == patch : axis.clamped(to: patch) == axis)
            }
            let patch = try sampler.patch(at: position)
            #expect(patch.shape == patchShape)
            for index in 0..<patchShape.count {
                let x = position.origin.x + index % patchShape.x
                let y = position.origin.y + index / patchShape.x % patchShape.y
                let z = position.origin.z + index / patchShape.voxelsPerSlice
                let isLabelled = box.x.contains(x) && box.y.contains(y) && box.z.contains(z)
                #expect(patch.labels[index] == (isLabelled ? UInt8((z + y + x) % 5) : TrainingPatch.ignored))
                func clamp(_ value: Int, _ length: Int) -> Int { min(max(value, 0), length - 1) }
                let nearest = (clamp(z, shape.z) * shape.y + clamp(y, shape.y)) * shape.x + clamp(x, shape.x)
                #expect(patch.densities[index] == Float(nearest))
            }
        }
    }

    @Test("a cover shows every voxel of every region, with few patches", arguments: 1...20 as ClosedRange<UInt64>)
    func cover(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        func range() -> Range<Int> {
            let first = random.index(below: 20)
            return first..<first + 1 + random.index(below: 40 - first)
        }
        let shape = try Self.shape(40, 40, 40)
        let boxes = try (0..<2).map { _ in try #require(Box(z: range(), y: range(), x: range())) }
        let patch = try Self.shape(1 + random.index(below: 9), 1 + random.index(below: 20), 1 + random.index(below: 20))
        let sampler = try PatchSampler(
            volumes: [Self.volume(shape)], regions: boxes.map { Self.region($0, .particles([])) }, shape: patch,
            foregroundShare: 0)
        let cover = sampler.cover
        for (number, box) in boxes.enumerated() {
            var seen = Set<SIMD3<Int>>()
            let origins = cover.filter { $0.region == number }.map(\.origin)
            func pieces(_ range: Range<Int>, _ length: Int) -> Int { (range.count + length - 1) / length }
            #expect(origins.count == pieces(box.z, patch.z) * pieces(box.y, patch.y) * pieces(box.x, patch.x))
            for origin in origins {
                for z in (origin.z..<origin.z + patch.z).clamped(to: box.z) {
                    for y in (origin.y..<origin.y + patch.y).clamped(to: box.y) {
                        for x in (origin.x..<origin.x + patch.x).clamped(to: box.x) { seen.insert(SIMD3(x, y, z)) }
                    }
                }
            }
            #expect(seen.count == box.shape.count)
        }
    }

    @Test("patches are centred on particles, moved by no more than the jitter, equally often on each")
    func centred() throws {
        let shape = try Self.shape(90, 100, 110)
        let centers = [SIMD3(40.0, 50, 45), SIMD3(60.2, 50.4, 44.6)]
        let sampler = try PatchSampler(
            volumes: [Self.volume(shape)],
            regions: [
                Self.region(try #require(shape.slices(0..<20)), .particles([])),
                Self.region(shape.box, .particles(centers)),
            ],
            shape: try Self.shape(9, 9, 9), foregroundShare: 1, jitter: 5)
        var random = RandomStream(seed: 2)
        var (counts, shifts): ([Int], Set<Int>) = ([0, 0], [])
        for _ in 0..<2000 {
            let position = sampler.drawPosition(&random)
            #expect(position.region == 1)
            let offsets = [SIMD3(40, 50, 45), SIMD3(60, 50, 45)].map { position.origin &+ SIMD3(4, 4, 4) &- $0 }
            let item = try #require(offsets.firstIndex { max(abs($0.x), abs($0.y), abs($0.z)) <= 5 })
            counts[item] += 1
            shifts.formUnion([offsets[item].x, offsets[item].y, offsets[item].z])
        }
        #expect(counts.allSatisfy { abs($0 - 1000) < 120 } && shifts == Set(-5...5))
    }

    @Test("regions are drawn by their voxels; the same stream draws the same positions")
    func drawn() throws {
        let shape = try Self.shape(40, 10, 10)
        let boxes = try [0..<10, 10..<40].map { try #require(shape.slices($0)) }
        let sampler = try PatchSampler(
            volumes: [Self.volume(shape)], regions: boxes.map { Self.region($0, .particles([])) },
            shape: try Self.shape(4, 4, 4), foregroundShare: 0.5)
        var random = RandomStream(seed: 9)
        var again = random
        let positions = (0..<4000).map { _ in sampler.drawPosition(&random) }
        #expect(abs(positions.count { $0.region == 0 } - 1000) < 140)
        #expect(positions == (0..<4000).map { _ in sampler.drawPosition(&again) })
        #expect(Set(positions.map(\.origin.x)) == Set(0...6))
    }

    @Test("densities have mean 0 and standard deviation 1 in their tomogram")
    func normalized() throws {
        let shape = try Self.shape(2, 2, 2)
        let volume = try PatchVolume(shape: shape, mean: 3.5, standardDeviation: 2) { _ in (0..<8).map(Float.init) }
        let sampler = try PatchSampler(
            volumes: [volume], regions: [Self.region(shape.box, .particles([]))], shape: shape, foregroundShare: 0)
        var random = RandomStream(seed: 1)
        #expect(try sampler.patch(at: sampler.drawPosition(&random)).densities == (0..<8).map { (Float($0) - 3.5) / 2 })
    }

    @Test("runs know every foreground voxel, in order", arguments: 1...10 as ClosedRange<UInt64>)
    func runs(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let box = try #require(Box(z: 3..<8, y: 2..<9, x: 5..<16))
        var runs = ForegroundRuns(box: box)
        var expected: [SIMD3<Int>] = []
        for z in box.z {
            let labels = (0..<77).map { _ in [0, 0, 1, 2, TrainingPatch.ignored][random.index(below: 5)] }
            for (index, label) in labels.enumerated() where label == 1 || label == 2 {
                expected.append(SIMD3(5 + index % 11, 2 + index / 11, z))
            }
            try runs.append(labels)
        }
        #expect(runs.count == expected.count)
        #expect((0..<runs.count).map(runs.voxel) == expected)
        #expect(throws: TrainingError.self) { try runs.append([UInt8](repeating: 0, count: 77)) }
        let sampler = try PatchSampler(
            volumes: [Self.volume(Self.shape(20, 20, 20))], regions: [Self.region(box, .voxels(runs))],
            shape: Self.shape(1, 1, 1), foregroundShare: 1)
        let drawn = Set((0..<3000).map { _ in sampler.drawPosition(&random).origin })
        #expect(drawn == Set(expected))
    }

    @Test("what cannot be learned from is refused by name")
    func refused() throws {
        let shape = try Self.shape(8, 8, 8)
        let volume = try Self.volume(shape)
        func sampler(_ regions: [LabelledRegion], share: Double = 0, jitter: Int = 0) throws -> PatchSampler {
            try PatchSampler(volumes: [volume], regions: regions, shape: shape, foregroundShare: share, jitter: jitter)
        }
        let whole = Self.region(shape.box, .particles([]))
        #expect(throws: TrainingError.self) { try sampler([]) }
        #expect(throws: TrainingError.self) { try sampler([whole], share: 1) }
        #expect(throws: TrainingError.self) { try sampler([whole], share: .nan) }
        #expect(throws: TrainingError.self) { try sampler([whole], jitter: -1) }
        #expect(throws: TrainingError.self) { try sampler([Self.region(try Self.shape(9, 8, 8).box, .particles([]))]) }
        for position in [Double.nan, 8, -1, .infinity] {
            #expect(throws: TrainingError.self) { try sampler([Self.region(shape.box, .particles([SIMD3(1, position, 1)]))]) }
        }
        for deviation in [0, -1, Double.nan, .infinity, 1e-300] {
            #expect(throws: TrainingError.self) {
                try PatchVolume(shape: shape, mean: 0, standardDeviation: deviation) { _ in [] }
            }
        }
        let short = try PatchVolume(shape: shape, mean: 0, standardDeviation: 1) { _ in [1] }
        let broken = try PatchSampler(volumes: [short], regions: [whole], shape: shape, foregroundShare: 0)
        var random = RandomStream(seed: 1)
        #expect(throws: TrainingError.self) { try broken.patch(at: broken.drawPosition(&random)) }
    }

    @Test("what validates comes from all parts of a slice, also where patches are left out")
    func validation() throws {
        // 4 × 4 patches a slice, 32 slices; every sixteenth patch would be the same corner each time.
        let shape = try Self.shape(32, 64, 64)
        let sampler = try PatchSampler(
            volumes: [Self.volume(shape)], regions: [Self.region(shape.box, .particles([]))], shape: Self.shape(1, 16, 16),
            foregroundShare: 0, jitter: 0)
        #expect(sampler.cover.count == 512)
        let examples = PatchExamples(
            training: sampler, heldOut: sampler, orientations: [.identity], batch: 4, validationBatches: 8, seed: 1)
        #expect(examples.validationBatches == 8)
        var (columns, slices) = (Set<Int>(), Set<Int>())
        for batch in 0..<8 {
            let densities = try examples.validationBatch(batch).densities
            let patch = densities.count / 4
            for first in stride(from: 0, to: densities.count, by: patch) {
                // The density of the first voxel is its position.
                let position = Int(densities.values[first])
                columns.insert(position % shape.voxelsPerSlice)
                slices.insert(position / shape.voxelsPerSlice)
            }
        }
        #expect(columns.count >= 10, "of 16")
        #expect(slices == Set(0..<32))
        // The same ones each time, and others with another seed.
        func others(seed: UInt64) -> PatchExamples {
            PatchExamples(
                training: sampler, heldOut: sampler, orientations: [.identity], batch: 4, validationBatches: 8, seed: seed)
        }
        let (again, other) = (others(seed: 1), others(seed: 2))
        #expect(try again.validationBatch(3).densities.values == examples.validationBatch(3).densities.values)
        #expect(try other.validationBatch(3).densities.values != examples.validationBatch(3).densities.values)
    }
}
