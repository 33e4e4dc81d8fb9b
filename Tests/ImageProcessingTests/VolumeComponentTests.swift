import Testing

@testable import ImageProcessing

@Suite("Components of volumes") struct VolumeComponentTests {
    /// Slices of `#` and `.`.
    private static func masks(_ slices: [[String]]) throws -> [Mask] {
        try slices.map { rows in
            try #require(Mask(height: rows.count, width: rows[0].count, values: rows.flatMap { $0.map { $0 == "#" } }))
        }
    }

    private static func joined(_ masks: [Mask], leastVoxels: Int = 1) throws -> VolumeComponents.Numbering {
        var joined = VolumeComponents()
        for mask in masks { try joined.add(mask) }
        return joined.finished(leastVoxels: leastVoxels)
    }

    @Test("two pieces of a slice that meet in another slice are one; what touches nothing is its own")
    func bridge() throws {
        let masks = try Self.masks([
            ["##...##", "......."], ["#.....#", "......."], ["#######", "......."], [".......", "......."],
            ["...#...", "......."],
        ])
        let numbering = try Self.joined(masks)
        #expect(numbering.components.count == 2)
        #expect(numbering.components[0].voxels == 13)
        #expect(numbering.components[0].minimum == SIMD3(0, 0, 0) && numbering.components[0].maximum == SIMD3(6, 0, 2))
        #expect(numbering.components[1].centroid == SIMD3(3, 0, 4))
        #expect(try numbering.numbers(of: masks[0], inSlice: 0).values.prefix(7) == [1, 1, 0, 0, 0, 1, 1])
        #expect(try numbering.numbers(of: masks[4], inSlice: 4).values.prefix(7) == [0, 0, 0, 2, 0, 0, 0])
        let large = try Self.joined(masks, leastVoxels: 2)
        #expect(try large.components.count == 1 && large.numbers(of: masks[4], inSlice: 4).values.allSatisfy { $0 == 0 })
        // Masks that were not added.
        #expect(throws: ImageError.self) { try numbering.numbers(of: masks[0], inSlice: 4) }
        #expect(throws: ImageError.self) { try numbering.numbers(of: masks[0], inSlice: 5) }
    }

    @Test("voxels that share a face, an edge or a corner are one piece; others are not")
    func neighbours() throws {
        for second in [["#.", ".."], [".#", ".."], ["..", "#."], ["..", ".#"]] {
            #expect(try Self.joined(Self.masks([["#.", ".."], second])).components.count == 1, "\(second)")
        }
        // By a corner within a slice, and to the next one.
        #expect(try Self.joined(Self.masks([["#..", ".#.", "..."], ["...", "...", "..#"]])).components.count == 1)
        #expect(try Self.joined(Self.masks([["#..", "...", "..."], ["...", "...", "..#"]])).components.count == 2)
        #expect(try Self.joined(Self.masks([["#.."], ["..."], ["#.."]])).components.count == 2)
    }

    @Test("numbers are those of a flood of the whole volume", arguments: 1...5 as ClosedRange<UInt64>)
    func flood(seed: UInt64) throws {
        let (depth, height, width) = (6, 13, 17)
        var state = seed
        let values = (0..<depth * height * width).map { _ -> Bool in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 40 < 1_500_000
        }
        let masks = try (0..<depth).map { z in
            try #require(
                Mask(height: height, width: width, values: Array(values[z * height * width..<(z + 1) * height * width])))
        }
        let numbering = try Self.joined(masks)
        var expected = [Int32](repeating: 0, count: values.count)
        var count: Int32 = 0
        for start in values.indices where values[start] && expected[start] == 0 {
            count += 1
            expected[start] = count
            var stack = [start]
            while let index = stack.popLast() {
                let (z, y, x) = (index / (height * width), index / width % height, index % width)
                for (dz, dy, dx) in Self.neighbours {
                    let (a, b, c) = (z + dz, y + dy, x + dx)
                    guard (0..<depth).contains(a), (0..<height).contains(b), (0..<width).contains(c) else { continue }
                    let next = (a * height + b) * width + c
                    if values[next], expected[next] == 0 {
                        expected[next] = count
                        stack.append(next)
                    }
                }
            }
        }
        #expect(numbering.components.count == Int(count))
        for (z, mask) in masks.enumerated() {
            let slice = Array(expected[z * height * width..<(z + 1) * height * width])
            #expect(try numbering.numbers(of: mask, inSlice: z).values == slice)
        }
        #expect(numbering.components.reduce(0) { $0 + $1.voxels } == values.count { $0 })
    }

    /// The 26 of a voxel.
    private static let neighbours = (0..<27).filter { $0 != 13 }.map { ($0 / 9 - 1, $0 / 3 % 3 - 1, $0 % 3 - 1) }

    @Test("no slice and empty slices have no component; slices of different sizes are refused")
    func corners() throws {
        #expect(VolumeComponents().finished().components.isEmpty)
        #expect(try Self.joined(Self.masks([["...", "..."], ["...", "..."]])).components.isEmpty)
        #expect(throws: ImageError.self) { try Self.joined(Self.masks([["#.#"], ["#."]])) }
    }
}
