import TestSupport
import Testing

@testable import ImageProcessing

@Suite("Instances: splitting, shapes, the gate, membranes")
struct InstanceTests {
    private let diameters: ParticleDiameters

    init() throws { diameters = try ParticleDiameters(smallest: 9, largest: 20) }

    private func slice(_ draw: (inout Scene) -> Void) throws -> Mask {
        var scene = try #require(Scene(side: 96, slices: 1))
        draw(&scene)
        return scene.slices[0]
    }

    // MARK: - Splitting

    @Test("discs that touch come apart, and each keeps its size and place", arguments: [1.0, 2, 4])
    func touchingDiscs(scale: Double) throws {
        var scene = try #require(Scene(side: Int(60 * scale), slices: 1))
        scene.drawDisc(x: 18 * scale, y: 20 * scale, radius: 9 * scale)
        scene.drawDisc(x: 34 * scale, y: 20 * scale, radius: 8 * scale)
        scene.drawDisc(x: 30 * scale, y: 44 * scale, radius: 5 * scale)
        let diameters = try ParticleDiameters(smallest: 9 * scale, largest: 20 * scale)
        let shapes = try InstanceSplitter(diameters)(scene.slices[0]).instanceShapes()
        try #require(shapes.count == 3)
        for (shape, (x, y, radius)) in zip(shapes, [(18.0, 20.0, 9.0), (34, 20, 8), (30, 44, 5)]) {
            #expect(abs(shape.x - x * scale) < 0.5 * scale && abs(shape.y - y * scale) < 0.5 * scale)
            #expect(abs(shape.equivalentDiameter - 2 * radius * scale) < 0.08 * 2 * radius * scale)
        }
    }

    @Test("a disc that touches a membrane is cut from it, though there is no saddle between them")
    func discOnBand() throws {
        let mask = try slice {
            $0.drawBand(x: 0...95, y: 40...43)
            $0.drawDisc(x: 50, y: 32, radius: 9)
        }
        let gated = try ShapeGate(diameters)(InstanceSplitter(diameters)(mask))
        let disc = try #require(gated.accepted.first)
        #expect(gated.accepted.count == 1)
        #expect(abs(disc.x - 50) < 0.5 && abs(disc.y - 32) < 1.5 && abs(disc.equivalentDiameter - 18) < 1.5)
    }

    @Test("instances lie in the closed mask, are connected and numbered without a gap, and small holes are in them")
    func lawsOfSplitting() throws {
        for kind in SyntheticMask.allCases {
            let mask = try #require(kind.make(height: 70, width: 83, seed: 9))
            let labels = try InstanceSplitter(diameters)(mask)
            let closed = mask.closed(by: try StructuringElement(.disc, radius: 1)).holesFilled(upTo: 31)
            #expect(zip(labels.values, closed.values).allSatisfy { $0 == 0 || $1 })
            let shapes = try labels.instanceShapes()
            #expect(shapes.map(\.label) == (0..<Int32(shapes.count)).map { $0 + 1 })
            for shape in shapes.prefix(20) {
                #expect(labels.map { $0 == shape.label }.components(.eight).count == 1)
            }
        }
        let ring = try slice { scene in scene.draw { (x, y, _) in (9...49).contains((x - 40) * (x - 40) + (y - 40) * (y - 40)) } }
        let shapes = try InstanceSplitter(diameters)(ring).instanceShapes()
        #expect(shapes.count == 1 && Double(shapes[0].area) > 0.9 * Double(ring.holesFilled().foregroundCount))
    }

    @Test("a body that holds together by a corner stays whole")
    func corner() throws {
        var mask = try #require(Mask(height: 10, width: 10, repeating: false))
        for place in 2..<8 { for column in place < 5 ? 2..<5 : 5..<8 { mask[y: place, x: column] = true } }
        let labels = mask.map { $0 ? 1 : 0 as Int32 }
        let opening = BodyOpening(ratio: 0.75) { _, _ in false }
        #expect(opening(labels, distances: mask.distancesToBackground()) == labels)
    }

    @Test("nothing, everything, one pixel, specks, and particles larger than the image have answers")
    func degenerateMasks() throws {
        for (height, width) in [(1, 1), (1, 40), (40, 1), (64, 64)] {
            for value in [false, true] {
                let mask = try #require(Mask(height: height, width: width, repeating: value))
                for (smallest, largest) in [(1.0, 1.0), (9, 20), (900, 1000)] {
                    let diameters = try ParticleDiameters(smallest: smallest, largest: largest)
                    let labels = try InstanceSplitter(diameters)(mask)
                    #expect(labels.values.allSatisfy { $0 == (value ? 1 : 0) })
                    let gated = try ShapeGate(diameters)(labels)
                    #expect(gated.accepted.count + gated.rejected.count == (value ? 1 : 0))
                    let parts = try MembraneAssembly(thickness: 3)(mask, without: gated.labels)
                    #expect(parts.membrane.foregroundCount == 0)
                }
            }
        }
        var specks = try #require(Mask(height: 200, width: 200, repeating: false))
        for y in stride(from: 0, to: 200, by: 4) {
            for x in stride(from: 0, to: 200, by: 4) { specks[y: y, x: x] = true }
        }
        let labels = try InstanceSplitter(diameters)(specks)
        #expect(labels.values.max() == 2500 && labels.map { $0 > 0 } == specks)
        let gated = try ShapeGate(diameters)(labels)
        #expect(gated.accepted.isEmpty && gated.rejected.allSatisfy { $0.reason == .tooSmall })
    }

    @Test("holes are filled by their size, and never from the border")
    func smallHoles() throws {
        for seed in 0..<4 as Range<UInt64> {
            let mask = try #require(SyntheticMask.dense.make(height: 40, width: 51, seed: seed))
            #expect(mask.holesFilled(upTo: 0) == mask)
            #expect(mask.holesFilled(upTo: 40 * 51) == mask.holesFilled(.eight))
            let filled = mask.holesFilled(upTo: 2)
            #expect(zip(mask.values, filled.values).allSatisfy { !$0 || $1 })
            #expect(filled.holesFilled(upTo: 2) == filled)
        }
    }

    // MARK: - Shapes

    @Test("shapes equal scikit-image's regionprops: 217 regions that touch each other, to 1e-9")
    func shapesEqualScikitImage() throws {
        var rows = try GoldenFile("instances/shapes.csv", in: .module).rows()
        #expect(rows.count == 217)
        for index in rows.indices {
            let flood = try #require(try FloodCase(&rows[index]))
            let (label, area) = (Int32(try rows[index].int()), try rows[index].int())
            let box = try (0..<4).map { _ in try rows[index].int() }
            let values = try (0..<10).map { _ in try rows[index].double() }
            let shape = try #require(try flood.labels.instanceShapes().first { $0.label == label })
            #expect(shape.area == area)
            #expect(shape.box == ImageRegion(y: box[0]..<box[2], x: box[1]..<box[3]))
            let mine = [
                shape.x, shape.y, shape.varianceX, shape.varianceY, shape.covariance, shape.perimeter, shape.equivalentDiameter,
                shape.majorAxis, shape.minorAxis,
            ]
            for (mine, golden) in zip(mine, values) {
                #expect(abs(mine - golden) <= 1e-6 + 1e-9 * abs(golden), "\(flood) \(label)")
            }
            // Of a line the smaller variance is a rounding error, and its root 1e-8 of the larger one.
            #expect(abs(shape.eccentricity - values[9]) < 1e-7)
        }
    }

    @Test("labels that are negative or beyond the number of pixels are refused")
    func refusesLabels() throws {
        let labels = try #require(Image<Int32>(height: 2, width: 2, values: [0, 4, 1, 4]))
        #expect(try labels.instanceShapes().map(\.label) == [1, 4])
        for wrong in [-1, 5, .max, .min] as [Int32] {
            #expect(throws: ImageError.self) { try labels.map { $0 == 1 ? wrong : $0 }.instanceShapes() }
        }
        #expect(labels.relabelled(by: [9, 7, 0, 0]).values == [0, 0, 7, 0])
    }

    // MARK: - The gate

    @Test("round sections are accepted, and each other shape is rejected for its reason")
    func verdicts() throws {
        let gate = try ShapeGate(diameters)
        func verdict(_ draw: (inout Scene) -> Void) throws -> ShapeGate.Verdict {
            let labels = try slice(draw).map { Int32($0 ? 1 : 0) }
            return gate(try #require(try labels.instanceShapes().first))
        }
        for radius in [2.0, 4, 9, 12] { #expect(try verdict { $0.drawDisc(x: 40, y: 40, radius: radius) } == .accepted) }
        #expect(try verdict { $0.drawDisc(x: 40, y: 40, radius: 0) } == .tooSmall)
        #expect(try verdict { $0.drawDisc(x: 40, y: 40, radius: 14) } == .tooLarge)
        #expect(try verdict { $0.drawBand(x: 10...40, y: 20...23) } == .tooLong)
        #expect(
            try verdict { scene in
                scene.draw { (x, y, _) in (81...121).contains((x - 40) * (x - 40) + (y - 40) * (y - 40)) }
            } == .tooHollow)
        let comb = try verdict { scene in
            scene.draw { (x, y, _) in (20...36).contains(x) && (20...36).contains(y) && (Int(x) % 3 != 0 || y == 28) }
        }
        #expect(comb == .tooRagged)
    }

    @Test("parameters out of range are refused with what they must be")
    func refusesParameters() throws {
        for (smallest, largest) in [(0, 9), (9, 8), (5, 1001), (.nan, 9), (5, .infinity), (-1, 3)] as [(Double, Double)] {
            #expect(throws: ImageError.self) { try ParticleDiameters(smallest: smallest, largest: largest) }
        }
        #expect(throws: ImageError.self) { try ParticleDiameters(inAngstroms: 100...250, voxelSizeInAngstroms: 0) }
        #expect(throws: ImageError.self) { try ParticleDiameters(inAngstroms: 100...250, voxelSizeInAngstroms: .nan) }
        #expect(
            try ParticleDiameters(inAngstroms: 100...250, voxelSizeInAngstroms: 10)
                == ParticleDiameters(smallest: 10, largest: 25))
        #expect(throws: ImageError.self) { try InstanceSplitter(diameters, neck: 0) }
        #expect(throws: ImageError.self) { try InstanceSplitter(diameters, body: 1) }
        #expect(throws: ImageError.self) { try InstanceSplitter(diameters, closing: .nan) }
        #expect(throws: ImageError.self) { try InstanceSplitter(diameters, smoothing: -1) }
        #expect(throws: ImageError.self) { try ShapeGate(diameters, aspectRatio: 1.5) }
        #expect(throws: ImageError.self) { try ShapeGate(diameters, smallestSection: -1) }
        #expect(throws: ImageError.self) { try ShapeGate(diameters, largestSection: .nan) }
        #expect(throws: ImageError.self) { try MembraneAssembly(thickness: 0) }
        #expect(throws: ImageError.self) { try MembraneAssembly(thickness: 3, widest: .nan) }
        #expect(throws: ImageError.self) { try MembraneAssembly(thickness: 3, closing: 128) }
        #expect(throws: ImageError.self) { try MembraneAssembly(thickness: 3, shortest: -1) }
    }

    // MARK: - Membranes

    @Test("thin and long is membrane; what is short or thick is neither; gaps are closed, but not over a particle")
    func membranes() throws {
        let mask = try slice {
            $0.drawBand(x: 0...95, y: 20...23)
            $0.drawBand(x: 5...11, y: 50...53)
            $0.drawBand(x: 20...90, y: 60...85)
        }
        var gapped = mask
        for y in 20...23 { gapped[y: y, x: 40] = false }
        let nothing = mask.map { _ in Int32(0) }
        let parts = try MembraneAssembly(thickness: 4)(gapped, without: nothing)
        let band = try slice { $0.drawBand(x: 0...95, y: 20...23) }
        #expect(zip(parts.membrane.values, band.values).allSatisfy { !$0 || $1 })
        // The disc does not fit into the middle of the gap.
        #expect(parts.membrane.components(.four).count == 1 && band.foregroundCount - parts.membrane.foregroundCount <= 2)
        #expect(
            parts.other
                == (try slice { $0.drawBand(x: 5...11, y: 50...53) }).union(try slice { $0.drawBand(x: 20...90, y: 60...85) }))
        var particle = nothing
        for y in 15...22 {
            for x in 38...44 { particle[y: y, x: x] = 3 }
        }
        let without = try MembraneAssembly(thickness: 4, dilation: 2)(gapped, without: particle)
        #expect(zip(without.membrane.values, particle.values).allSatisfy { !$0 || $1 == 0 })
        #expect(without.membrane.foregroundCount > parts.membrane.foregroundCount)
    }

    @Test("each pixel of the mask is an instance's, the membrane's or neither's")
    func partition() throws {
        for kind in SyntheticMask.allCases {
            let mask = try #require(kind.make(height: 80, width: 77, seed: 21))
            let gated = try ShapeGate(diameters)(InstanceSplitter(diameters)(mask))
            let parts = try MembraneAssembly(thickness: 3, dilation: 1)(mask, without: gated.labels)
            for index in mask.values.indices where mask.values[index] {
                let memberships = [gated.labels.values[index] > 0, parts.membrane.values[index], parts.other.values[index]]
                #expect(memberships.count { $0 } == 1)
            }
            #expect(zip(parts.other.values, mask.values).allSatisfy { !$0 || $1 })
        }
        // Without limits the gate accepts everything, and what is no instance is membrane.
        let gate = try ShapeGate(
            diameters, smallestSection: 0, largestSection: .infinity, aspectRatio: 0, ellipseFill: 0, circularity: 0)
        let assembly = try MembraneAssembly(thickness: 3, shortest: 0, widest: .infinity, closing: 0)
        for kind in SyntheticMask.allCases {
            let mask = try #require(kind.make(height: 80, width: 77, seed: 21))
            #expect(try gate(InstanceSplitter(diameters)(mask)).rejected.isEmpty)
            let parts = try assembly(mask, without: mask.map { _ in 0 })
            #expect(parts.membrane == mask && parts.other.foregroundCount == 0)
        }
        let small = try #require(Image<Int32>(height: 1, width: 1, repeating: 0))
        #expect(throws: ImageError.self) { try MembraneAssembly(thickness: 3)(slice { _ in }, without: small) }
    }
}

extension Mask {
    fileprivate func union(_ other: Mask) -> Mask? {
        Mask(height: height, width: width, values: zip(values, other.values).map { $0 || $1 })
    }
}
