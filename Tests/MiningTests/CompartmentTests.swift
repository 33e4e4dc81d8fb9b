import Basics
import Foundation
import ImageProcessing
import Mining
import Testing
import Volumes

/// Compartments of scenes whose membranes are known by formulas.
@Suite struct CompartmentTests {
    // MARK: Found and measured

    @Test(
        "a hollow sphere is found: closed, in the outer one, of the volume, area and place that it has",
        arguments: [100.0, 250, 1000], [SIMD3(10.0, 10, 10), SIMD3(17.0, 17, 17), SIMD3(12.0, 12, 18)])
    func hollowSpheres(radius: Double, edges: SIMD3<Double>) throws {
        // 100 Å are six voxels of 17 Å, too few for 5 % by voxels of any program.
        guard radius / edges.max() > 7 else { return }
        for seed: UInt64 in 1...(radius > 500 ? 1 : 3) {
            var random = RandomStream(state: seed)
            let sides = ((2 * radius + 240) / edges).rounded(.up)
            let center = (sides / 2 + SIMD3(random.unit(), random.unit(), random.unit())) * edges
            let shell = Shell(center: center, radius: radius, thickness: 50)
            let map = try Scene(sides, edges) { shell.contains($0) }.map()
            let lumen = try #require(map.compartments.last)
            #expect(map.compartments.map(\.state) == [.outer, .closed])
            #expect(lumen.number == 2 && lumen.parent == 1 && lumen.level == 1)
            #expect(lumen.gapInAngstroms == 0 && lumen.openPart == 0)
            #expect(agree(lumen.volumeInCubicNanometers, 4e-3 / 3 * .pi * radius * radius * radius, 0.03))
            #expect(agree(lumen.surfaceAreaInSquareNanometers, 4e-2 * .pi * radius * radius, 0.03))
            #expect(agree(try #require(lumen.sphericity), 1, 0.02))
            #expect(distance(lumen.centroidInAngstroms, center) < 0.2 * edges.max())
            // The nearest voxel of membrane lies beyond the surface, by less than a voxel's diagonal.
            let depth = try #require(lumen.depthInAngstroms)
            #expect(depth > radius - edges.max() && depth < radius + edges.max() * 1.8)
            for axis in 0..<3 {
                #expect(abs(lumen.lowerInAngstroms[axis] - center[axis] + radius) < edges[axis])
                #expect(abs(lumen.upperInAngstroms[axis] - center[axis] - radius) < edges[axis])
            }
            #expect(map.compartment(at: center) == 2 && map.compartment(at: .zero) == 1)
            #expect(map.compartment(at: center + SIMD3(0, radius + 25, 0)) == nil)
            #expect(abs(try #require(map.depth(at: center)) - radius) < 2 * edges.max())
        }
    }

    @Test("the number of voxels of membrane around a block is that of its faces") func membraneVoxels() throws {
        let map = try Scene(SIMD3(20, 20, 20), SIMD3(10, 10, 10)) { place in
            let far = pointwiseMax(place - 95, 95 - place).max()
            return far > 45 && far < 65
        }.map(least: 0)
        let inner = try #require(map.compartments.last)
        // The block has 8 × 8 × 8 … voxels along each axis: those with |x − 9.5| ≤ 4.5.
        #expect(inner.volumeInCubicNanometers == 1000 && inner.membraneVoxels == 600)
        #expect(inner.lowerInAngstroms == SIMD3(45, 45, 45) && inner.upperInAngstroms == SIMD3(145, 145, 145))
    }

    @Test("distances are those to the nearest voxel of membrane, voxel by voxel", arguments: [1 as UInt64, 2, 3])
    func distances(seed: UInt64) throws {
        var random = RandomStream(state: seed)
        let (edges, sides) = (SIMD3(10.0, 13, 21), SIMD3(17.0, 11, 9))
        let places = (0..<4).map { _ in
            SIMD3(Double(random.index(below: 17)), Double(random.index(below: 11)), Double(random.index(below: 9))) * edges
        }
        let map = try Scene(sides, edges) { place in places.contains { distance($0, place) < 1e-6 } }.map()
        for z in 0..<9 {
            for y in 0..<11 {
                for x in 0..<17 {
                    let place = SIMD3(Double(x), Double(y), Double(z)) * edges
                    let nearest = try #require(places.map { distance($0, place) }.min())
                    #expect(agree(map.depth(at: place) ?? -1, nearest, 1e-6))
                }
            }
        }
    }

    // MARK: Gaps

    @Test("a round hole is measured within 1.5 voxels, and closed or open by the rules", arguments: [1 as UInt64, 2, 3])
    func holes(seed: UInt64) throws {
        var random = RandomStream(state: seed)
        for (radius, hole) in [(200.0, 20.0), (200, 40), (200, 70), (200, 100), (300, 60), (300, 140), (120, 35)] {
            let sides = SIMD3(repeating: ((2 * radius + 240) / 10).rounded(.up))
            let center = (sides / 2 + SIMD3(random.unit(), random.unit(), random.unit())) * 10
            var shell = Shell(center: center, radius: radius, thickness: 50)
            (shell.direction, shell.hole) = (direction(&random), hole)
            let map = try Scene(sides, SIMD3(10, 10, 10)) { shell.contains($0) }.map()
            #expect(map.compartments.count == 2)
            let lumen = try #require(map.compartments.last)
            #expect(lumen.state == (hole <= 50 ? .closed : .open), "hole of radius \(hole): \(lumen)")
            #expect(abs(lumen.gapInAngstroms - 2 * hole) <= 15)
            #expect(lumen.openPart > 0 && lumen.openPart < 0.1)
            #expect(agree(lumen.volumeInCubicNanometers, 4e-3 / 3 * .pi * radius * radius * radius, 0.05))
            #expect(lumen.parent == 1)
        }
    }

    @Test("a membrane of one voxel, such as a centre surface, closes as well", arguments: [1 << 30, 1 << 20])
    func thinMembranes(memoryInBytes: Int) throws {
        let center = SIMD3(301.0, 303, 304)
        // The voxels of a ball that share a face with one that is not in it.
        let scene = try Scene(SIMD3(62, 62, 62), SIMD3(10, 10, 10)) { place in
            func isInside(_ place: SIMD3<Double>) -> Bool { distance(place, center) < 205 }
            let steps = [SIMD3(10.0, 0, 0), SIMD3(0.0, 10, 0), SIMD3(0.0, 0, 10)]
            return isInside(place) && steps.contains { !isInside(place + $0) || !isInside(place - $0) }
        }
        let map = try scene.map(try CompartmentParameters(memoryInBytes: memoryInBytes))
        #expect(map.compartments.map(\.state) == [.outer, .closed] && map.compartments[1].gapInAngstroms == 0)
        #expect((map.binning > 1) == (memoryInBytes == 1 << 20))
        #expect(agree(map.compartments[1].volumeInCubicNanometers, 4.0 / 3 * .pi * 20 * 20 * 20, 0.08))
    }

    @Test("a bowl is no compartment of its own") func bowl() throws {
        var random = RandomStream(state: 7)
        for _ in 0..<3 {
            var shell = Shell(center: SIMD3(320, 320, 320), radius: 200, thickness: 50)
            (shell.direction, shell.hole) = (direction(&random), 170)
            let map = try Scene(SIMD3(64, 64, 64), SIMD3(10, 10, 10)) { shell.contains($0) }.map()
            #expect(map.compartments.map(\.state) == [.outer] && map.compartments[0].parent == nil)
        }
    }

    @Test("a corridor of uneven width is one compartment, and so is a space full of specks") func corridors() throws {
        // Radii of 48 to 72 Å, and a roughness of two voxels of the membrane.
        for seed: UInt64 in 1...3 {
            var random = RandomStream(state: seed)
            let rough = (0..<32 * 16).map { _ in 20 * random.unit() - 10 }
            let tube = try Scene(SIMD3(160, 40, 40), SIMD3(10, 10, 10)) { place in
                let (y, z) = (place.y - 195, place.z - 195)
                let turn = Int((atan2(z, y) / .pi + 1) * 7.99)
                let radius = 60 + 8 * sin(place.x / 40) + 4 * sin(place.x / 13) + rough[Int(place.x / 50) * 16 + turn]
                let length = (y * y + z * z).squareRoot()
                return length > radius && length < radius + 60
            }.map()
            #expect(tube.compartments.map(\.state) == [.outer, .cut])
        }
        var random = RandomStream(state: 5)
        let specks = (0..<60 * 60 * 60).map { _ in random.unit() < 0.02 }
        let noise = try Scene(SIMD3(60, 60, 60), SIMD3(10, 10, 10)) { place in
            specks[(Int(place.z / 10) * 60 + Int(place.y / 10)) * 60 + Int(place.x / 10)]
        }.map()
        #expect(noise.compartments.map(\.state) == [.outer])
    }

    // MARK: Nesting

    @Test("a vesicle in an organelle in the cytosol has both as parents, also where it touches the organelle's membrane")
    func nesting() throws {
        let (outer, inner) = (
            Shell(center: SIMD3(400, 400, 400), radius: 300, thickness: 60),
            // Its membrane overlaps that of the organelle.
            Shell(center: SIMD3(400, 400, 590), radius: 90, thickness: 50)
        )
        let middle = Shell(center: SIMD3(350, 380, 300), radius: 110, thickness: 50)
        let core = Shell(center: SIMD3(350, 370, 300), radius: 55, thickness: 30)
        let map = try Scene(SIMD3(80, 80, 80), SIMD3(10, 10, 10)) { place in
            [outer, inner, middle, core].contains { $0.contains(place) }
        }.map()
        #expect(map.compartments.count == 5)
        func compartment(_ place: SIMD3<Double>) throws -> MeasuredCompartment {
            map.compartments[try #require(map.compartment(at: place)) - 1]
        }
        let (cytosol, organelle) = (try compartment(.zero), try compartment(SIMD3(400, 600, 400)))
        let (vesicle, shell, kernel) = (
            try compartment(inner.center), try compartment(middle.center + SIMD3(0, 95, 0)), try compartment(core.center)
        )
        #expect(cytosol.state == .outer && cytosol.parent == nil && cytosol.level == 0)
        #expect(organelle.state == .closed && organelle.parent == cytosol.number && organelle.level == 1)
        #expect(vesicle.state == .closed && vesicle.parent == organelle.number && vesicle.level == 2)
        #expect(shell.parent == organelle.number && shell.level == 2)
        #expect(kernel.parent == shell.number && kernel.level == 3)
    }

    @Test("two vesicles that touch stay two") func touching() throws {
        let pair = [SIMD3(200.0, 250, 250), SIMD3(420.0, 250, 250)].map { Shell(center: $0, radius: 100, thickness: 50) }
        // A hole of 60 Å between them, on the line of their centres, is closed.
        for hole in [0.0, 30] {
            let map = try Scene(SIMD3(64, 50, 50), SIMD3(10, 10, 10)) { place in
                let across = SIMD2(place.y - 250, place.z - 250)
                let isHole = (across * across).sum() < hole * hole && place.x > 200 && place.x < 420
                return !isHole && pair.contains { $0.contains(place) }
            }.map()
            #expect(map.compartments.map(\.state) == [.outer, .closed, .closed])
            let numbers = pair.map { map.compartment(at: $0.center) }
            #expect(Set(numbers) == [2, 3])
            #expect(map.compartments.dropFirst().allSatisfy { $0.parent == 1 })
            #expect(abs(map.compartments[1].gapInAngstroms - 2 * hole) <= 15)
        }
    }

    // MARK: Edges

    @Test("a sphere at an edge is cut, and a sheet divides a volume in the outer one and a cut one") func edges() throws {
        let shell = Shell(center: SIMD3(40, 250, 250), radius: 150, thickness: 50)
        let sphere = try Scene(SIMD3(50, 50, 50), SIMD3(10, 10, 10)) { shell.contains($0) }.map()
        #expect(sphere.compartments.map(\.state) == [.outer, .cut])
        #expect(sphere.compartments[1].sphericity == nil && sphere.compartments[1].parent == 1)
        var random = RandomStream(state: 3)
        for _ in 0..<5 {
            let normal = direction(&random)
            let sheet = try Scene(SIMD3(48, 48, 48), SIMD3(10, 10, 10)) { place in
                abs(((place - SIMD3(250, 235, 235)) * normal).sum() - 40) < 25
            }.map()
            #expect(sheet.compartments.map(\.state) == [.outer, .cut] && sheet.compartments[1].parent == 1)
        }
    }

    @Test("nothing is found beyond the sample, and its ends cut like edges") func samples() throws {
        let shells = [300.0, 560].map { Shell(center: SIMD3(300, 300, $0), radius: 100, thickness: 50) }
        let scene = try Scene(SIMD3(60, 60, 80), SIMD3(10, 10, 10)) { place in shells.contains { $0.contains(place) } }
        let map = try scene.map { $0.z < 545 }
        #expect(map.compartments.map(\.state) == [.outer, .closed, .cut])
        #expect(map.compartment(at: shells[0].center) == 2 && map.compartment(at: SIMD3(300, 300, 530)) == 3)
        #expect(map.compartment(at: SIMD3(300, 300, 700)) == nil)
        #expect(map.compartments[0].upperInAngstroms.z == 545)
        #expect(try scene.map { _ in false }.compartments.isEmpty)
    }

    @Test("no membrane, all membrane, one slice, and a volume that is smaller than a bin") func extremes() throws {
        let empty = try Scene(SIMD3(9, 8, 7), SIMD3(10, 10, 10)) { _ in false }.map()
        let whole = try #require(empty.compartments.first)
        #expect(empty.compartments.count == 1 && whole.state == .outer && whole.parent == nil)
        #expect(whole.depthInAngstroms == nil && whole.sphericity == nil && empty.depth(at: .zero) == nil)
        #expect(whole.volumeInCubicNanometers == 504 && whole.surfaceAreaInSquareNanometers == 0)
        #expect(whole.centroidInAngstroms == SIMD3(40, 35, 30))
        let full = try Scene(SIMD3(9, 8, 7), SIMD3(10, 10, 10)) { _ in true }.map()
        #expect(full.compartments.isEmpty && full.compartment(at: .zero) == nil && full.depth(at: .zero) == 0)
        let ring = Shell(center: SIMD3(300, 300, 0), radius: 150, thickness: 50)
        let slice = try Scene(SIMD3(60, 60, 1), SIMD3(10, 10, 10)) { ring.contains($0) }.map()
        #expect(slice.compartments.map(\.state) == [.outer, .cut])
        let voxel = try Scene(SIMD3(1, 1, 1), SIMD3(10, 10, 10)) { _ in false }.map(least: 0)
        #expect(voxel.compartments.map(\.volumeInCubicNanometers) == [1])
        for place in [SIMD3(Double.nan, 0, 0), SIMD3(0, .infinity, 0), SIMD3(-6, 0, 0), SIMD3(0, 0, 1e300)] {
            #expect(voxel.compartment(at: place) == nil && voxel.depth(at: place) == nil)
        }
    }

    // MARK: Laws

    @Test("mirrored axes give the same compartments", arguments: [1 as UInt64, 2])
    func mirrors(seed: UInt64) throws {
        let scene = try Scene.vesicles(24, sides: SIMD3(130, 120, 90), seed: seed)
        func volumes(_ mirrored: SIMD3<Double>) throws -> [Double] {
            let last = (scene.sides - 1) * scene.edges
            return try Scene(scene.sides, scene.edges) { place in
                scene.isMembrane(mirrored * (last - place) + (1 - mirrored) * place)
            }.map().compartments.map(\.volumeInCubicNanometers)
        }
        let plain = try volumes(.zero)
        #expect(plain.count == scene.shells.count + 1)
        for mirrored in [SIMD3(1.0, 0, 0), SIMD3(0.0, 1, 0), SIMD3(0.0, 0, 1), SIMD3(1.0, 1, 1)] {
            let other = try volumes(mirrored)
            #expect(other.count == plain.count && zip(plain, other).allSatisfy { agree($0, $1, 0.005) })
        }
    }

    @Test("vesicles keep their volumes, and places their compartments, where the volume is binned", arguments: [2, 3])
    func binning(factor: Int) throws {
        let scene = try Scene.vesicles(24, sides: SIMD3(130, 121, 91), seed: 4)
        let voxels = [130, 121, 91].reduce(1) { $0 * (($1 - 1) / factor + 3) }
        // The voxels of the grid, and the bits of the membranes.
        let bits = (130 + 128) / 8 * 123 * 93
        let parameters = try CompartmentParameters(memoryInBytes: max(1 << 20, voxels * 13 + bits))
        let (fine, map) = (try scene.map(), try scene.map(parameters))
        #expect(map.binning == (factor == 2 ? 2 : 3) && map.compartments.count == fine.compartments.count)
        #expect(map.binnedShape == VolumeShape(z: 90 / factor + 1, y: 120 / factor + 1, x: 129 / factor + 1))
        var random = RandomStream(state: 8)
        var (asked, right) = (0, 0)
        for _ in 0..<20_000 {
            let place = SIMD3(random.unit(), random.unit(), random.unit()) * (scene.sides - 1) * scene.edges
            let expected = scene.shells.firstIndex { distance($0.center, place) < $0.radius - 10 }
            guard expected != nil || scene.shells.allSatisfy({ distance($0.center, place) > $0.radius + $0.thickness + 10 })
            else {
                continue
            }
            asked += 1
            let number = expected.map { map.compartment(at: scene.shells[$0].center) } ?? 1
            right += number != nil && map.compartment(at: place) == number ? 1 : 0
        }
        #expect(asked > 5000 && Double(right) >= 0.995 * Double(asked), "\(right) of \(asked)")
        for shell in scene.shells {
            let volume = 4e-3 / 3 * Double.pi * shell.radius * shell.radius * shell.radius
            let number = try #require(map.compartment(at: shell.center))
            #expect(agree(map.compartments[number - 1].volumeInCubicNanometers, volume, 0.05))
            #expect(map.compartments[number - 1].state == .closed)
        }
        // Labels are those of the look-ups.
        let labels = try map.labels(z: 20)
        let origin = map.originInAngstroms
        for y in 0..<map.binnedShape.y {
            for x in 0..<map.binnedShape.x where labels[y: y, x: x] > 0 {
                let place = SIMD3(Double(x), Double(y), 20) * Double(factor) * scene.edges + origin - 0.1
                guard (place / scene.edges).max() < 90 else { continue }
                #expect(map.compartment(at: place) == Int(labels[y: y, x: x]))
            }
        }
        #expect(throws: MiningError.self) { try map.labels(z: map.binnedShape.z) }
    }

    // MARK: Errors

    @Test("what does not fit is refused with a sentence") func errors() throws {
        #expect(throws: MiningError.self) { try CompartmentParameters(closingRadiusInAngstroms: .nan) }
        #expect(throws: MiningError.self) { try CompartmentParameters(openRatio: 1) }
        #expect(throws: MiningError.self) { try CompartmentParameters(closedRatio: .infinity) }
        #expect(throws: MiningError.self) { try CompartmentParameters(mostOpenPart: -1) }
        #expect(throws: MiningError.self) { try CompartmentParameters(leastVolumeInCubicNanometers: .infinity) }
        #expect(throws: MiningError.self) { try CompartmentParameters(memoryInBytes: 1000) }
        let size = try #require(VoxelSize(cubicInAngstroms: 10))
        let huge = try #require(VolumeShape(z: 100_000, y: 1_000_000, x: 100_000))
        #expect(throws: MiningError.self) {
            try CompartmentFinder(shape: huge, voxelSize: size, parameters: try CompartmentParameters())
        }
        let shape = try #require(VolumeShape(z: 2, y: 3, x: 4))
        var finder = try CompartmentFinder(shape: shape, voxelSize: size, parameters: try CompartmentParameters())
        let (mask, other) = (
            try #require(Mask(height: 3, width: 4, repeating: false)), try #require(Mask(height: 4, width: 3, repeating: false))
        )
        #expect(throws: MiningError.self) { try finder.add(membrane: other, sample: nil) }
        #expect(throws: MiningError.self) { try finder.add(membrane: mask, sample: other) }
        try finder.add(membrane: mask, sample: nil)
        #expect(throws: MiningError.self) { try finder.finish {} }
        try finder.add(membrane: mask, sample: mask)
        #expect(throws: MiningError.self) { try finder.add(membrane: mask, sample: nil) }
        struct Stop: Error {}
        var copy = finder
        #expect(throws: Stop.self) { try copy.finish { throw Stop() } }
        _ = try finder.finish {}
        #expect(throws: MiningError.self) { try finder.finish {} }
    }

    @Test("more compartments than numbers are an error that says what to do") func tooMany() throws {
        let cells = try Scene(SIMD3(83, 83, 83), SIMD3(10, 10, 10)) { place in
            !(0..<3).allSatisfy { Int(place[$0] / 10) % 2 == 1 }
        }
        let error = #expect(throws: MiningError.self) { try cells.map(least: 0) }
        #expect(error?.code == .tooMany)
        #expect(error?.message.contains("68921 compartments, of which 65535 can be numbered; raise the least volume") == true)
        #expect(try cells.map(least: 10).compartments.isEmpty)
    }
}
