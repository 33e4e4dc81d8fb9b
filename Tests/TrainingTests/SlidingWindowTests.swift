import Basics
import Tensors
import Testing
import Volumes

@testable import Training

@Suite("Sliding window") struct SlidingWindowTests {
    /// A volume in memory.
    private struct Grid {
        let shape: VolumeShape
        let values: [Float]

        init(shape: VolumeShape, values: [Float]) {
            self.shape = shape
            self.values = values
        }

        init(_ random: inout RandomStream, sides: ClosedRange<Int> = 1...23) throws {
            shape = try #require(
                VolumeShape(z: random.integer(in: sides), y: random.integer(in: sides), x: random.integer(in: sides)))
            values = (0..<shape.count).map { _ in Float(random.normal()) }
        }

        func read(_ box: Box) -> [Float] {
            box.z.flatMap { z in
                box.y.flatMap { y in
                    let row = (z * shape.y + y) * shape.x
                    return values[row + box.x.lowerBound..<row + box.x.upperBound]
                }
            }
        }
    }

    private static func axis(_ random: inout RandomStream, margin: Int? = nil) throws -> WindowAxis {
        let alignment = [1, 1, 2, 3, 4][random.index(below: 5)]
        let (margin, taper) = (margin ?? random.index(below: 4), random.index(below: 5))
        let least = (2 * margin + taper).rounded(upToMultipleOf: alignment) + max(taper, 1).rounded(upToMultipleOf: alignment)
        return try WindowAxis(
            block: least + random.index(below: 12), margin: margin, taper: taper, alignment: alignment)
    }

    private static func window(_ random: inout RandomStream, margin: Int? = nil) throws -> Window {
        try Window(
            z: axis(&random, margin: margin), y: axis(&random, margin: margin), x: axis(&random, margin: margin))
    }

    /// The results of a run, which must come slice by slice.
    private static func run(
        _ grid: Grid, _ window: Window, outputs: Int = 1, from layer: Int = 0, network: (Tensor) throws -> Tensor
    ) throws -> [Float] {
        let blocks = BlockGrid(shape: grid.shape, window: window)
        var results: [Float] = []
        var next = blocks.slices(finishedBy: layer).lowerBound
        try SlidingWindow(grid: blocks, outputs: outputs).run(from: layer, read: grid.read, network: network) { z, values in
            #expect(z == next && values.count == grid.shape.voxelsPerSlice * outputs)
            next += 1
            results += values
        }
        #expect(next == grid.shape.z)
        return results
    }

    /// The mean over a box of radius r, zeros beyond the block's faces: what a network does there.
    private static func boxFilter(_ tensor: Tensor, radius: Int, outputs: Int = 1) -> Tensor {
        let (depth, height, width) = (tensor.shape[1], tensor.shape[2], tensor.shape[3])
        var values = tensor.values
        for (length, step) in [(depth, height * width), (height, width), (width, 1)] {
            let source = values
            for index in values.indices {
                let place = index / step % length
                var sum: Float = 0
                for offset in max(-radius, -place)...min(radius, length - 1 - place) { sum += source[index + offset * step] }
                values[index] = sum / Float(2 * radius + 1)
            }
        }
        return Tensor(
            shape: Array(tensor.shape.dropLast()) + [outputs],
            values: values.flatMap { value in (0..<outputs).map { value * Float($0 + 1) } })
    }

    @Test("a network that returns its input gives the volume back in every bit", arguments: 1...60 as ClosedRange<UInt64>)
    func identity(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let grid = try Grid(&random)
        let window = try Self.window(&random)
        let results = try Self.run(grid, window) { $0 }
        #expect(results.map(\.bitPattern) == grid.values.map(\.bitPattern), "\(grid.shape), \(window)")
        // Several outputs a voxel, among them −0 and infinity.
        let twice = try Self.run(grid, window, outputs: 3) { tensor in
            Tensor(
                shape: Array(tensor.shape.dropLast()) + [3], values: tensor.values.flatMap { [$0, -0.0, .infinity] })
        }
        #expect(twice.map(\.bitPattern) == grid.values.flatMap { [$0, -0.0, .infinity] }.map(\.bitPattern))
    }

    @Test("blocks begin at multiples of the alignment, have one size, and every slice is finished once", arguments: 1...40)
    func blocks(length: Int) throws {
        var random = RandomStream(seed: UInt64(length))
        for _ in 0..<20 {
            let axis = try Self.axis(&random)
            let line = BlockLine(length: length, axis: axis)
            #expect(line.starts.allSatisfy { $0 % axis.alignment == 0 } && line.blockLength % axis.alignment == 0)
            #expect(line.starts[line.count - 1] + line.blockLength == length.rounded(upToMultipleOf: axis.alignment))
            #expect((0..<line.count).flatMap { Array(line.finished($0)) } == Array(0..<length))
            var sums = [Float](repeating: 0, count: length)
            for block in 0..<line.count {
                let covered = line.covered(block)
                for (position, share) in zip(covered, line.shares(block)) {
                    #expect(abs(sums[position] - share.earlier) <= 1e-6)
                    sums[position] += share.own
                }
                // Nothing is used that lies in the margin of a cut face.
                let start = line.starts[block]
                #expect(block == 0 || covered.lowerBound >= start + axis.margin)
                #expect(block == line.count - 1 || covered.upperBound <= start + line.blockLength - axis.margin)
            }
            #expect(sums.allSatisfy { abs($0 - 1) <= 1e-6 })
        }
    }

    @Test("with a margin of the network's radius results do not depend on the blocks", arguments: 1...24 as ClosedRange<UInt64>)
    func boxFilter(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let radius = 1 + random.index(below: 3)
        let grid = try Grid(&random, sides: 5...26)
        let axis = try (0..<3).map { _ in try Self.axis(&random, margin: radius + random.index(below: 2)) }
        let window = Window(z: axis[0], y: axis[1], x: axis[2])
        func whole(_ axis: WindowAxis) throws -> WindowAxis { try WindowAxis(block: 64, alignment: axis.alignment) }
        let expected = try Self.run(grid, Window(z: whole(axis[0]), y: whole(axis[1]), x: whole(axis[2])), outputs: 2) {
            Self.boxFilter($0, radius: radius, outputs: 2)
        }
        let results = try Self.run(grid, window, outputs: 2) { Self.boxFilter($0, radius: radius, outputs: 2) }
        #expect(zip(results, expected).allSatisfy { abs($0 - $1) <= 1e-6 }, "\(grid.shape), \(window)")
    }

    @Test("a network with a context sees the neighbours of each slice, and at the ends the outermost one", arguments: 1...3)
    func context(context: Int) throws {
        let network = UNet(
            try UNetArchitecture(dimensions: 2, classes: 2, width: 4, levels: 2, normalization: .group(2), context: context),
            seed: 7)
        let shape = try #require(VolumeShape(z: 6, y: 16, x: 12))
        var random = RandomStream(seed: UInt64(context))
        let voxels = (0..<shape.count).map { _ in Float(random.normal()) }
        let axis = try WindowAxis(block: 16, alignment: 2)
        let sliding = try SlidingWindow(
            grid: BlockGrid(shape: shape, window: Window(z: .single, y: axis, x: axis)), outputs: 2, context: context)
        var slices: [[Float]] = []
        try sliding.run(
            read: { box in box.z.flatMap { Array(voxels[$0 * 192..<($0 + 1) * 192]) } }, network: { network.logits($0) },
            emit: { _, values in slices.append(values) })
        // All slices at once, with the outermost ones repeated.
        let padded = (-context..<shape.z + context).flatMap { z in
            let slice = min(max(z, 0), shape.z - 1)
            return voxels[slice * 192..<(slice + 1) * 192]
        }
        let whole = network.logits(Tensor(shape: [1, shape.z + 2 * context, 16, 12, 1], values: padded))
        #expect(whole.shape == [1, shape.z, 16, 12, 2] && slices.count == shape.z)
        // Groups are normalised over the slices of a pass together, so slice by slice is compared with slice by slice.
        for z in 0..<shape.z {
            let part = Array(padded[z * 192..<(z + 2 * context + 1) * 192])
            let alone = network.logits(Tensor(shape: [1, 2 * context + 1, 16, 12, 1], values: part))
            #expect(alone.values == slices[z])
        }
        // A slice beyond the context changes nothing, one within it does.
        func logits(changing slice: Int) -> [Float] {
            var part = Array(padded[0..<(2 * context + 1) * 192])
            part[slice * 192 + 100] += 3
            return network.logits(Tensor(shape: [1, 2 * context + 1, 16, 12, 1], values: part)).values
        }
        for slice in 0...2 * context { #expect(logits(changing: slice) != slices[0]) }
    }

    @Test("blends are those of separable weights, whatever the blocks disagree in")
    func weights() throws {
        // Each block is a number: results are means of the numbers, weighted along each axis.
        let axis = try WindowAxis(block: 8, margin: 1, taper: 3)
        let grid = Grid(shape: try #require(VolumeShape(z: 18, y: 17, x: 19)), values: [Float](repeating: 0, count: 18 * 17 * 19))
        var number: Float = 0
        let results = try Self.run(grid, Window(z: axis, y: axis, x: axis)) { tensor in
            number += 1
            return Tensor(shape: tensor.shape, repeating: number * number)
        }
        let lines = [18, 17, 19].map { BlockLine(length: $0, axis: axis) }
        func own(_ line: BlockLine, _ block: Int, _ position: Int) -> Float {
            let covered = line.covered(block)
            return covered.contains(position) ? line.shares(block)[position - covered.lowerBound].own : 0
        }
        for (index, result) in results.enumerated() {
            let position = [index / (17 * 19), index / 19 % 17, index % 19]
            var (expected, block): (Float, Float) = (0, 0)
            for layer in 0..<lines[0].count {
                for row in 0..<lines[1].count {
                    for column in 0..<lines[2].count {
                        block += 1
                        expected +=
                            block * block * own(lines[0], layer, position[0]) * own(lines[1], row, position[1])
                            * own(lines[2], column, position[2])
                    }
                }
            }
            #expect(abs(result - expected) <= 1e-5 * expected)
        }
    }

    @Test("a run that begins at any layer gives the same bits", arguments: 1...12 as ClosedRange<UInt64>)
    func resumed(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let grid = try Grid(&random, sides: 12...30)
        let window = try Self.window(&random)
        // Blocks disagree: the margin may be smaller than the radius.
        let all = try Self.run(grid, window) { Self.boxFilter($0, radius: 3) }
        let blocks = BlockGrid(shape: grid.shape, window: window)
        for layer in 0..<blocks.layers {
            let rest = try Self.run(grid, window, from: layer) { Self.boxFilter($0, radius: 3) }
            let first = blocks.slices(finishedBy: layer).lowerBound * grid.shape.voxelsPerSlice
            #expect(rest.map(\.bitPattern) == all[first...].map(\.bitPattern))
        }
        // And one that ends at any layer.
        for last in 0..<blocks.layers {
            let first = random.index(below: last + 1)
            var some: [Float] = []
            try SlidingWindow(grid: blocks, outputs: 1).run(
                from: first, through: last, read: grid.read, network: { Self.boxFilter($0, radius: 3) }, emit: { some += $1 })
            let slices = blocks.slices(finishedBy: first).lowerBound..<blocks.slices(finishedBy: last).upperBound
            let voxels = slices.lowerBound * grid.shape.voxelsPerSlice..<slices.upperBound * grid.shape.voxelsPerSlice
            #expect(some.map(\.bitPattern) == all[voxels].map(\.bitPattern))
        }
        #expect(throws: TrainingError.self) {
            try SlidingWindow(grid: blocks, outputs: 1).run(
                through: blocks.layers, read: grid.read, network: { $0 }, emit: { _, _ in })
        }
        #expect(throws: TrainingError.self) {
            try SlidingWindow(grid: blocks, outputs: 1).run(
                from: blocks.layers, read: grid.read, network: { $0 }, emit: { _, _ in })
        }
    }

    @Test("a volume smaller than a block is one block, rounded up; its outermost voxels are repeated")
    func small() throws {
        let grid = Grid(shape: try #require(VolumeShape(z: 1, y: 3, x: 5)), values: (0..<15).map(Float.init))
        let axis = try WindowAxis(block: 64, margin: 8, taper: 8, alignment: 4)
        var inputs: [Tensor] = []
        let results = try Self.run(grid, Window(z: .single, y: axis, x: axis)) { tensor in
            inputs.append(tensor)
            return tensor
        }
        #expect(results == grid.values && inputs.count == 1 && inputs[0].shape == [1, 1, 4, 8, 1])
        #expect(
            inputs[0].values == [0, 1, 2, 3, 4, 4, 4, 4, 5, 6, 7, 8, 9, 9, 9, 9]
                + [10, 11, 12, 13, 14, 14, 14, 14, 10, 11, 12, 13, 14, 14, 14, 14])
    }

    @Test("blocks that keep their length have it on volumes of any shape", arguments: 1...12 as ClosedRange<UInt64>)
    func keptLength(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let grid = try Grid(&random, sides: 1...40)
        let axis = try WindowAxis(block: 16, margin: 3, alignment: 4, keepsLength: true)
        let results = try Self.run(grid, Window(z: axis, y: axis, x: axis)) { tensor in
            #expect(tensor.shape == [1, 16, 16, 16, 1])
            return tensor
        }
        #expect(results == grid.values)
    }

    @Test(
        "where memory is short layers are computed several times, and results are the same to the bit",
        arguments: 1...30 as ClosedRange<UInt64>)
    func divided(seed: UInt64) throws {
        var random = RandomStream(seed: seed)
        let grid = try Grid(&random, sides: 12...40)
        let taper = random.index(below: 4)
        let axis = try WindowAxis(block: 20, margin: 2, taper: taper, alignment: 4, keepsLength: true)
        let window = Window(z: axis, y: axis, x: axis)
        let all = try Self.run(grid, window) { Self.boxFilter($0, radius: 3) }
        let memory = BlockGrid(shape: grid.shape, window: window).memory(outputs: 1)
        let slice = 4 * grid.shape.voxelsPerSlice
        let depth = BlockGrid(shape: grid.shape, window: window).layerDepth
        for most in taper + 1...max(depth, taper + 1) {
            let bytes = memory - (depth - most) * slice
            let fitting = try window.fitted(to: grid.shape, outputs: 1, bytes: bytes)
            let blocks = BlockGrid(shape: grid.shape, window: fitting)
            #expect(blocks.memory(outputs: 1) <= bytes && blocks.inputShape == [1, 20, 20, 20, 1])
            let results = try Self.run(grid, fitting) { Self.boxFilter($0, radius: 3) }
            #expect(results.map(\.bitPattern) == all.map(\.bitPattern), "\(grid.shape), at most \(most) slices")
            let middle = blocks.layers / 2
            let rest = try Self.run(grid, fitting, from: middle) { Self.boxFilter($0, radius: 3) }
            let first = blocks.slices(finishedBy: middle).lowerBound * grid.shape.voxelsPerSlice
            #expect(rest.map(\.bitPattern) == all[first...].map(\.bitPattern))
        }
        #expect(throws: TrainingError.self) {
            try window.fitted(to: grid.shape, outputs: 1, bytes: memory - (depth - taper) * slice)
        }
    }

    @Test("NaN stays where it is")
    func notANumber() throws {
        var random = RandomStream(seed: 5)
        let shape = try #require(VolumeShape(z: 9, y: 21, x: 30))
        var values = (0..<shape.count).map { _ in Float(random.normal()) }
        for _ in 0..<40 { values[random.index(below: values.count)] = .nan }
        let axis = try WindowAxis(block: 8, margin: 1, taper: 3)
        let results = try Self.run(Grid(shape: shape, values: values), Window(z: axis, y: axis, x: axis)) { $0 }
        #expect(zip(results, values).allSatisfy { $0.isNaN ? $1.isNaN : $0 == $1 })
    }

    @Test("progress counts blocks; a cancelled run ends before the next block")
    func cancelled() throws {
        let shape = try #require(VolumeShape(z: 20, y: 20, x: 20))
        let axis = try WindowAxis(block: 8)
        let grid = BlockGrid(shape: shape, window: Window(z: axis, y: axis, x: axis))
        let sliding = try SlidingWindow(grid: grid, outputs: 1)
        var (calls, reports): (Int, [[Int]]) = (0, [])
        #expect(throws: CancellationError.self) {
            try sliding.run(
                read: { [Float](repeating: 0, count: $0.shape.count) },
                network: {
                    calls += 1
                    return $0
                }, isCancelled: { calls == 5 }, progress: { reports.append([$0, $1]) }, emit: { _, _ in })
        }
        #expect(calls == 5 && reports == (1...5).map { [$0, 27] })
    }

    @Test("what does not fit is refused by name")
    func refused() throws {
        let shape = try #require(VolumeShape(z: 8, y: 8, x: 8))
        let axis = try WindowAxis(block: 8)
        let sliding = try SlidingWindow(grid: BlockGrid(shape: shape, window: Window(z: axis, y: axis, x: axis)), outputs: 2)
        #expect(throws: TrainingError.self) {
            try sliding.run(read: { _ in [1] }, network: { $0 }, emit: { _, _ in })
        }
        #expect(throws: TrainingError.self) {
            try sliding.run(
                read: { [Float](repeating: 0, count: $0.shape.count) }, network: { $0 }, emit: { _, _ in })
        }
        #expect(throws: TrainingError.self) { try SlidingWindow(grid: sliding.grid, outputs: 0) }
        #expect(throws: TrainingError.self) { try WindowAxis(block: 8, margin: 4) }
        #expect(throws: TrainingError.self) { try WindowAxis(block: 8, margin: -1) }
        #expect(throws: TrainingError.self) { try WindowAxis(block: 0) }
        #expect(throws: TrainingError.self) { try WindowAxis(block: .max) }
        #expect(throws: TrainingError.self) { try WindowAxis(block: 30, margin: 10, taper: 6, alignment: 8) }
        #expect(try WindowAxis(block: 40, margin: 10, taper: 6, alignment: 8).overlap == 32)
    }

    @Test("memory does not grow with the number of slices, and a window can be made to fit")
    func memory() throws {
        let axis = try WindowAxis(block: 96, margin: 20, taper: 8, alignment: 8)
        let window = Window(z: axis, y: axis, x: axis)
        let shapes = try [300, 3000].map { try #require(VolumeShape(z: $0, y: 1000, x: 1000)) }
        let memory = shapes.map { BlockGrid(shape: $0, window: window).memory(outputs: 1) }
        #expect(memory[0] == memory[1] && memory[0] == 4 * (77 * 1_000_000 + 3 * 96 * 96 * 96))
        let fitting = try window.fitted(to: shapes[0], outputs: 1, bytes: 200_000_000)
        #expect(fitting.z.block == 64 && fitting.y == axis)
        #expect(BlockGrid(shape: shapes[0], window: fitting).memory(outputs: 1) <= 200_000_000)
        #expect(try window.fitted(to: shapes[0], outputs: 1, bytes: .max) == window)
        #expect(throws: TrainingError.self) { try window.fitted(to: shapes[0], outputs: 1, bytes: 50_000_000) }
        let flat = try #require(VolumeShape(z: 2, y: 10, x: 10))
        #expect(try window.fitted(to: flat, outputs: 1, bytes: 1_000_000).z.block == 56)
    }
}
