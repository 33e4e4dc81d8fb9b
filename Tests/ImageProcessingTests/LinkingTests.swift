import Testing

@testable import ImageProcessing

@Suite("Linking of instances along z")
struct LinkingTests {
    private let diameters: ParticleDiameters

    init() throws { diameters = try ParticleDiameters(smallest: 9, largest: 20) }

    private func linked(_ slices: [Mask], rules: LinkingRules = .standard) throws -> (LinkedInstances, [Image<Int32>]) {
        let labels = try slices.map { try ShapeGate(diameters)(InstanceSplitter(diameters)($0)).labels }
        return (try link(labels, rules), labels)
    }

    private func link(_ labels: [Image<Int32>], _ rules: LinkingRules = .standard) throws -> LinkedInstances {
        var linking = InstanceLinking(diameters, rules: rules)
        for slice in labels { try linking.append(slice, slice.instanceShapes()) }
        return linking.finished()
    }

    @Test("balls are found where they are, with their size, box and a high confidence")
    func balls() throws {
        var scene = try #require(Scene(side: 80, slices: 40))
        let truth = [(20.0, 22.0, 12.0, 9.0), (60, 50, 20, 5.5), (55, 20, 30, 8)]
        for (x, y, z, radius) in truth { scene.drawBall(x: x, y: y, z: z, radius: radius) }
        let (result, labels) = try linked(scene.slices)
        try #require(result.objects.count == 3)
        for (x, y, z, radius) in truth {
            let object = try #require(result.objects.first { abs($0.x - x) < 0.3 && abs($0.y - y) < 0.3 && abs($0.z - z) < 0.5 })
            #expect(abs(object.radius - radius) < 0.06 * radius + 0.2)
            #expect(object.confidence > 0.9 && object.confidence <= 1)
            #expect(!object.isCutOff && object.sliceCount == object.boxZ.count)
            let count = try labels.indices.reduce(0) { count, z in
                try count + result.identifiers(labels[z], slice: z).values.count { $0 == object.identifier }
            }
            #expect(count == object.voxelCount)
        }
        #expect(result.objects.map(\.identifier) == [1, 2, 3])
    }

    @Test("balls on top of each other come apart at the waist")
    func stacked() throws {
        var scene = try #require(Scene(side: 40, slices: 50))
        scene.drawBall(x: 20, y: 20, z: 14, radius: 9)
        scene.drawBall(x: 21, y: 20, z: 30, radius: 8)
        let (result, _) = try linked(scene.slices)
        try #require(result.objects.count == 2)
        #expect(abs(result.objects[0].z - 14) < 1 && abs(result.objects[1].z - 30) < 1)
        // Without a waist to speak of: cut because it is too long for its width.
        var merged = try #require(Scene(side: 40, slices: 50))
        merged.draw { (x, y, z) in
            let radius = abs(z - 24) < 17 ? 8 - (z > 22 && z < 26 ? 0.7 : 0) : 0
            return (x - 20) * (x - 20) + (y - 20) * (y - 20) < radius * radius
        }
        #expect(try linked(merged.slices).0.objects.count == 2)
    }

    @Test("a sheet in the plane, a rod along z and specks are no particles, and are counted by reason")
    func rejections() throws {
        var scene = try #require(Scene(side: 90, slices: 60))
        scene.draw { (x, y, z) in (x - 20) * (x - 20) + (y - 20) * (y - 20) < 100 && (30...34).contains(z) }
        scene.draw { (x, y, _) in (x - 60) * (x - 60) + (y - 20) * (y - 20) < 64 }
        scene.drawBall(x: 40, y: 60, z: 20, radius: 1.5)
        let (result, labels) = try linked(scene.slices)
        #expect(result.objects.isEmpty)
        #expect(result.rejections == [.tooFlat: 1, .tooLong: 1, .tooShort: 1])
        for z in labels.indices { #expect(try result.identifiers(labels[z], slice: z).values.allSatisfy { $0 == 0 }) }
    }

    @Test("without limits every chain of instances is a particle: none is rejected, cut or joined")
    func withoutLimits() throws {
        var scene = try #require(Scene(side: 90, slices: 60))
        scene.draw { (x, y, z) in (x - 20) * (x - 20) + (y - 20) * (y - 20) < 100 && (30...34).contains(z) }
        scene.draw { (x, y, _) in (x - 60) * (x - 60) + (y - 20) * (y - 20) < 64 }
        scene.drawBall(x: 40, y: 60, z: 20, radius: 1.5)
        // Two in a row that the standard cuts at the waist, and one beside them that it takes for a part of the first.
        scene.drawBall(x: 70, y: 60, z: 14, radius: 9)
        scene.drawBall(x: 71, y: 60, z: 29, radius: 8)
        scene.drawBall(x: 70, y: 72, z: 14, radius: 1)
        let labels = scene.slices.map { $0.components().labels }
        let rules = try LinkingRules(
            gap: 0, leastHeight: 0, leastFlatness: 0, greatestHeight: .infinity, waist: 0, volumes: 0...(.infinity), separation: 0
        )
        let result = try link(labels, rules)
        #expect(result.rejections.isEmpty && result.objects.count == 5)
        for (z, slice) in labels.enumerated() {
            let identifiers = try result.identifiers(slice, slice: z)
            #expect(zip(slice.values, identifiers.values).allSatisfy { ($0 > 0) == ($1 > 0) })
        }
        #expect(try link(labels).objects.count == 2)
    }

    @Test("a particle may miss as many slices as the gap allows, and no more")
    func gaps() throws {
        var scene = try #require(Scene(side: 40, slices: 30))
        scene.drawBall(x: 20, y: 20, z: 14, radius: 9)
        let empty = scene.slices[0].map { _ in false }
        scene.slices[12] = empty
        scene.slices[13] = empty
        let strict = try LinkingRules(gap: 1, leastHeight: 0, leastFlatness: 0, separation: 0)
        let object = try #require(try linked(scene.slices).0.objects.first)
        #expect(object.boxZ.count - object.sliceCount == 2)
        #expect(object.confidence < 1)
        #expect(try linked(scene.slices).0.objects.count == 1)
        #expect(try linked(scene.slices, rules: strict).0.objects.count == 2)
    }

    @Test("pieces whose centres are close are one particle")
    func pieces() throws {
        var scene = try #require(Scene(side: 40, slices: 30))
        scene.drawBall(x: 20, y: 20, z: 14, radius: 9)
        // A cleft along the particle.
        scene.slices = scene.slices.map { slice in
            var slice = slice
            for y in 0..<40 {
                for x in 18...20 { slice[y: y, x: x] = false }
            }
            return slice
        }
        let wide = try LinkingRules(separation: 0.9)
        let (result, _) = try linked(scene.slices, rules: wide)
        #expect(result.objects.count == 1)
        #expect(abs(try #require(result.objects.first).x - 20) < 1.5)
        #expect(try linked(scene.slices, rules: LinkingRules(separation: 0)).0.objects.count == 2)
    }

    @Test("what instances are numbered does not matter, and the same slices give the same particles")
    func numbering() throws {
        let slices = try (0..<24).map { z in
            try #require(SyntheticMask.tomogram.make(height: 90, width: 90, seed: UInt64(z / 3)))
        }
        let labels = try slices.map { try InstanceSplitter(diameters)($0) }
        let result = try link(labels)
        #expect(try link(labels) == result)
        let turned = labels.map { slice in
            let count = slice.values.max() ?? 0
            return slice.map { $0 == 0 ? 0 : count + 1 - $0 }
        }
        let other = try link(turned)
        #expect(other.objects.count == result.objects.count && !result.objects.isEmpty)
        for (index, slice) in labels.enumerated() {
            let mine = try result.identifiers(slice, slice: index).map { $0 > 0 }
            #expect(try other.identifiers(turned[index], slice: index).map { $0 > 0 } == mine)
        }
    }

    @Test("no slices, empty slices and one slice have answers; a particle at a slab's end is known to be cut off")
    func degenerateSlabs() throws {
        #expect(InstanceLinking(diameters).finished() == LinkedInstances(objects: [], rejections: [:], tables: []))
        let empty = try #require(Image<Int32>(height: 1, width: 1, repeating: 0))
        #expect(try link([empty, empty]).objects.isEmpty)
        let pixel = empty.map { _ in Int32(1) }
        #expect(try link([pixel]).rejections == [.tooShort: 1])
        let all = try LinkingRules(leastHeight: 0, leastFlatness: 0, volumes: 0...1000)
        let object = try #require(try link([pixel], all).objects.first)
        #expect(object.isCutOff && object.voxelCount == 1 && object.confidence == 1 && object.z == 0)
        var scene = try #require(Scene(side: 40, slices: 12))
        scene.drawBall(x: 20, y: 20, z: 1, radius: 9)
        #expect(try #require(try linked(scene.slices).0.objects.first).isCutOff)
    }

    @Test("thousands of one-pixel instances in each slice are linked, and are no particles")
    func specks() throws {
        var specks = try #require(Mask(height: 150, width: 150, repeating: false))
        for y in stride(from: 0, to: 150, by: 3) {
            for x in stride(from: 0, to: 150, by: 3) { specks[y: y, x: x] = true }
        }
        let labels = specks.components(.eight).labels
        let result = try link(Array(repeating: labels, count: 4))
        #expect(result.objects.isEmpty && result.rejections.values.reduce(0, +) == 2500)
    }

    @Test("sizes that change, labels without shapes, slices that are not there and rules out of range are refused")
    func refuses() throws {
        let labels = try #require(Image<Int32>(height: 2, width: 2, values: [0, 1, 2, 2]))
        var linking = InstanceLinking(diameters)
        #expect(throws: ImageError.self) { try linking.append(labels, []) }
        #expect(linking.sliceCount == 0)
        try linking.append(labels, labels.instanceShapes())
        let other = try #require(Image<Int32>(height: 2, width: 3, repeating: 0))
        #expect(throws: ImageError.self) { try linking.append(other, []) }
        #expect(throws: ImageError.self) { try linking.append(labels.map { -$0 }, []) }
        #expect(linking.sliceCount == 1)
        #expect(throws: ImageError.self) { try linking.finished().identifiers(labels, slice: 1) }
        #expect(throws: ImageError.self) { try LinkingRules(overlap: 1.5) }
        #expect(throws: ImageError.self) { try LinkingRules(gap: -1) }
        #expect(throws: ImageError.self) { try LinkingRules(leastFlatness: .nan) }
        #expect(throws: ImageError.self) { try LinkingRules(greatestHeight: .nan) }
        #expect(throws: ImageError.self) { try LinkingRules(volumes: -1...(.infinity)) }
        #expect(try LinkingRules() == .standard)
    }
}
