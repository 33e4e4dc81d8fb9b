import Basics
import Foundation
import ImageProcessing
import Testing
import Volumes

@testable import Mining

/// Membranes whose shapes are known by formulas.
@Suite struct MembranePieceTests {
    @Test(
        "a sphere has its radius, roundness and area, with noise and without top and bottom too",
        arguments: [200.0, 400, 1000, 2000], [5.0, 10, 15])
    func spheres(radius: Double, edge: Double) throws {
        guard radius / edge <= 140 else { return }
        for (noise, wedge) in [(0.0, false), (0.5, false), (0.5, true)] {
            let side = Int(2 * radius / edge) + 10
            let center = SIMD3(repeating: Double(side) * edge / 2) + SIMD3(1.3, 2.1, 0.7)
            var scene = try MembraneScene(edge: edge, side: side)
            try scene.add(noise: noise, foot: sphere(center, radius, wedge: wedge))
            let membrane = try #require(try scene.measured().first)
            let found = try #require(membrane.sphereRadiusInAngstroms)
            let area = try #require(membrane.areaInSquareAngstroms) / (4 * .pi * radius * radius) / (wedge ? 0.866 : 1)
            let roundness = try #require(membrane.roundness)
            #expect(abs(found / radius - 1) < 0.05)
            #expect(abs(roundness - 1) < 0.15)
            #expect(abs(area - 1) < 0.06)
        }
    }

    @Test(
        "a tube has its radius and no Gaussian curvature, in any direction",
        arguments: [200.0, 500, 1500], [SIMD3(1.0, 0, 0), SIMD3(1.0, 2, 0.4), SIMD3(1.0, 1, 1)])
    func tubes(radius: Double, axis: SIMD3<Double>) throws {
        for (edge, noise, wedge) in [(10.0, 0.0, false), (10, 0.5, true), (15, 0.5, false)] {
            guard 2 * radius / edge <= 210 else { continue }
            let side = Int(2 * radius / edge) + 10
            let center = SIMD3(repeating: Double(side) * edge / 2) + SIMD3(1.3, 2.1, 0.7)
            var scene = try MembraneScene(edge: edge, side: side)
            try scene.add(noise: noise, foot: tube(center, radius, axis: axis, wedge: wedge))
            let membrane = try #require(try scene.measured().first)
            let found = try #require(membrane.tubeRadiusInAngstroms)
            let roundness = try #require(membrane.roundness)
            #expect(abs(found / radius - 1) < 0.05)
            #expect(abs(roundness) < 0.15)
        }
    }

    @Test("a plane is flat, and has its area", arguments: [SIMD3(0.0, 0, 1), SIMD3(1.0, 1, 1), SIMD3(1.0, 3, 0.3)], [0.0, 0.5])
    func planes(normal: SIMD3<Double>, noise: Double) throws {
        for edge in [5.0, 10, 15] {
            var scene = try MembraneScene(edge: edge, side: 80)
            let center = SIMD3(repeating: 40 * edge) + 1.7
            let radius = 35 * edge
            let flat = plane(center, normal: normal)
            try scene.add(noise: noise) { place in flat(place).flatMap { length($0 - center) < radius ? $0 : nil } }
            let membrane = try #require(try scene.measured().first)
            let curvature = try #require(membrane.meanCurvature)
            let area = try #require(membrane.areaInSquareAngstroms) / (.pi * radius * radius)
            #expect(abs(curvature.median) < 1 / 5000)
            #expect(membrane.sphereRadiusInAngstroms == nil)
            #expect(abs(area - 1) < 0.06)
        }
    }

    @Test("a piece that moves or turns is the same") func invariance() throws {
        func curvature(_ shift: SIMD3<Double>, _ axis: SIMD3<Double>) throws -> Double {
            var scene = try MembraneScene(edge: 10, side: 90)
            try scene.add(noise: 0.3, foot: tube(SIMD3(repeating: 450) + shift, 300, axis: axis))
            return try #require(try scene.measured().first?.tubeRadiusInAngstroms)
        }
        let first = try curvature(.zero, SIMD3(0, 0, 1))
        let moved = [(SIMD3(3.0, 4, 1), SIMD3(0.0, 0, 1)), (SIMD3(0.0, 7, 2), SIMD3(0.3, 1, 0.2)), (.zero, SIMD3(1.0, 1, 0))]
        for (shift, axis) in moved {
            #expect(abs(try curvature(shift, axis) / first - 1) < 0.03)
        }
    }

    @Test("of too many places a part is kept, which has the same measures, in whatever order they come") func thinning() throws {
        for part in [1, 3, 12] {
            let center = SIMD3(613.0, 612, 611)
            var (inner, outer) = (try MembraneScene(edge: 10, side: 124), try MembraneScene(edge: 10, side: 124))
            try inner.add(noise: 0.3, foot: sphere(center, 400))
            try outer.add(piece: 2, noise: 0.3, foot: sphere(center, 580))
            let all = zip(inner.points.places + outer.points.places, inner.points.pieces + outer.points.pieces)
                .map { (SIMD3<Double>($0) / 10, $1) }
            var scene = try MembraneScene(edge: 10, side: 124, mostPlaces: all.count / part)
            for (place, piece) in all { try scene.points.add(place, piece: piece) }
            var backward = try MembraneScene(edge: 10, side: 124, mostPlaces: all.count / part)
            for (place, piece) in all.reversed() { try backward.points.add(place, piece: piece) }
            #expect(scene.points.count <= all.count / part)
            #expect(scene.points.count > all.count / part * 2 / 5)
            let measured = try scene.measured()
            #expect(try backward.measured().map(\.areaInSquareAngstroms) == measured.map(\.areaInSquareAngstroms))
            for (membrane, radius) in zip(measured, [400.0, 580]) {
                let found = try #require(membrane.sphereRadiusInAngstroms)
                let area = try #require(membrane.areaInSquareAngstroms) / (4 * .pi * radius * radius)
                let spacing = try #require(membrane.spacingInAngstroms)
                #expect(abs(found / radius - 1) < 0.05)
                #expect(abs(area - 1) < 0.06)
                #expect(abs(spacing.median - 180) < 6)
            }
        }
    }

    @Test("pieces get other numbers, and each is measured alone") func orders() throws {
        var scene = try MembraneScene(edge: 10, side: 60)
        try scene.add(piece: 3, foot: sphere(SIMD3(repeating: 150), 110))
        try scene.add(piece: 8, foot: sphere(SIMD3(repeating: 420), 130))
        try scene.points.add(SIMD3(1, 1, 1), piece: 5)
        scene.points.renumber { $0 == 3 ? 1 : $0 == 8 ? 2 : 0 }
        let measured = try scene.measured()
        #expect(measured.map(\.piece) == [1, 2])
        #expect(try scene.measured() == measured)
        for (membrane, radius) in zip(measured, [110.0, 130]) {
            #expect(abs(try #require(membrane.sphereRadiusInAngstroms) / radius - 1) < 0.05)
        }
    }

    @Test(
        "two parallel sheets have their distance",
        arguments: [SIMD3(0.0, 0, 1), SIMD3(1.0, 1, 1), SIMD3(2.0, 1, 0.4)], [60.0, 220, 550])
    func spacings(normal: SIMD3<Double>, spacing: Double) throws {
        var scene = try MembraneScene(edge: 10, side: 100)
        let (center, unit) = (SIMD3(repeating: 495.0), normal / length(normal))
        try scene.add(piece: 1, noise: 0.3, foot: plane(center - spacing / 2 * unit, normal: normal))
        try scene.add(piece: 2, noise: 0.3, seed: 2, foot: plane(center + spacing / 2 * unit, normal: normal))
        for membrane in try scene.measured() {
            let found = try #require(membrane.spacingInAngstroms)
            #expect(abs(found.median - spacing) < 3)
            #expect(found.upper - found.lower < 12)
            #expect(try #require(membrane.neighbouredPart) > 0.6)
            #expect(membrane.otherPiecePart == 1)
        }
        let near = try scene.measured(try MembraneParameters(spacingLimitInAngstroms: 50))
        #expect(near.allSatisfy { $0.neighbouredPart == 0 && $0.spacingInAngstroms == nil && $0.otherPiecePart == nil })
    }

    @Test(
        "a bilayer has its thickness, where leaflets are resolved and where not",
        arguments: [SIMD3(0.0, 0, 1), SIMD3(1.0, 2, 1)])
    func profiles(normal: SIMD3<Double>) throws {
        // Of tomograms that were inverted, too.
        let cases = [
            (5.0, 6.0, MembraneProfile.Method.leaflets, 1.0), (10, 8, .leaflets, -1), (10, 25, .halfDepth, 1),
            (10, 25, .halfDepth, -1),
        ]
        for (edge, sigma, method, sign) in cases {
            let side = 80
            var scene = try MembraneScene(edge: edge, side: side)
            let (center, unit) = (SIMD3(repeating: 40 * edge) + 1.1, normal / length(normal))
            try scene.add(foot: plane(center, normal: normal))
            var measurement = try MembraneMeasurement(scene.points, parameters: try MembraneParameters()) {}
            var random = RandomStream(state: 5)
            func value(_ t: Double) -> Double {
                [-20.0, 20].reduce(0) { $0 - exp(-(t - $1) * (t - $1) / (2 * sigma * sigma)) }
            }
            for z in 0..<side {
                var slice: [Float] = []
                for y in 0..<side {
                    for x in 0..<side {
                        let place = SIMD3(Double(x), Double(y), Double(z)) * edge
                        let isMissing = x % 17 == 3 && y % 13 == 2
                        slice.append(isMissing ? .nan : Float(sign * value(((place - center) * unit).sum()) + random.normal()))
                    }
                }
                guard measurement.needs(z: z) else { continue }
                try measurement.add(density: slice, z: z)
            }
            let profile = try #require(measurement.finish().first?.profile)
            #expect(profile.method == method)
            let thickness = try #require(profile.thicknessInAngstroms)
            if method == .leaflets {
                #expect(abs(thickness - 40) < 4)
            } else {
                let width = 2 * (stride(from: 0.0, to: 200, by: 0.1).first { value($0) > value(0) / 2 } ?? 0)
                #expect(abs(thickness - width) < 8)
            }
        }
    }

    @Test("what is too little or bad gives nil or an error") func badInput() throws {
        #expect(VoxelSize(cubicInAngstroms: 0) == nil)
        var scene = try MembraneScene(edge: 10, side: 60)
        #expect(try scene.measured().isEmpty)
        try scene.points.add(SIMD3(5, 5, 5), piece: 1)
        for x in 0..<60 { try scene.points.add(SIMD3(Double(x), 30, 30), piece: 2) }
        for membrane in try scene.measured() {
            #expect(membrane.areaInSquareAngstroms == nil && membrane.meanCurvature == nil)
            #expect(membrane.gaussianCurvature == nil)
            #expect(membrane.profile == nil && membrane.spacingInAngstroms == nil && membrane.neighbouredPart == nil)
            #expect(membrane.sphereRadiusInAngstroms == nil && membrane.roundness == nil)
        }
        #expect(try scene.measured().map(\.points) == [1, 60])
        #expect(throws: MiningError.self) { try scene.points.add(SIMD3(.nan, 5, 5), piece: 1) }
        #expect(throws: MiningError.self) { try scene.points.add(SIMD3(60, 5, 5), piece: 1) }
        #expect(throws: MiningError.self) { try scene.points.add(SIMD3(5, 5, 5), piece: 0) }
        #expect(throws: MiningError.self) { try scene.points.add(codes: [1], z: 0) }
        #expect(throws: MiningError.self) { try MembraneParameters(leastRadiusInAngstroms: .nan) }
        #expect(throws: MiningError.self) { try MembraneParameters(greatestRadiusInAngstroms: 20) }
        #expect(throws: MiningError.self) { try MembraneParameters(profileReachInAngstroms: 0) }
        #expect(throws: MiningError.self) { try MembraneParameters(spacingLimitInAngstroms: .infinity) }
        try scene.add(piece: 3, foot: plane(SIMD3(repeating: 300), normal: SIMD3(0, 0, 1)))
        var measurement = try MembraneMeasurement(scene.points, parameters: try MembraneParameters()) {}
        let empty = [Float](repeating: .nan, count: 3600)
        for z in 0..<60 { try measurement.add(density: empty, z: z) }
        #expect(throws: MiningError.self) { try measurement.add(density: empty, z: 3) }
        #expect(throws: MiningError.self) { try measurement.add(density: [1], z: 3) }
        #expect(measurement.finish().allSatisfy { $0.profile == nil })
        #expect(throws: CancellationError.self) {
            _ = try MembraneMeasurement(scene.points, parameters: try MembraneParameters()) { throw CancellationError() }
        }
    }

    @Test("codes are read as places") func codes() throws {
        var scene = try MembraneScene(edge: 10, side: 4)
        var codes = [UInt8](repeating: 0, count: 16)
        (codes[5], codes[6], codes[7]) = (1, 255, 40)
        try scene.points.add(codes: codes, z: 2)
        #expect(scene.points.count == 2)
        var pieces = [Int32](repeating: 0, count: 16)
        pieces[5] = 7
        try scene.points.add(codes: codes, z: 3, pieces: pieces)
        #expect(try scene.measured().map(\.piece) == [1, 7])
    }

    @Test("a torus has its area, and the curvatures that formulas give") func torus() throws {
        let (major, minor, edge) = (500.0, 200.0, 10.0)
        let center = SIMD3(753.0, 748, 751)
        var scene = try MembraneScene(edge: edge, side: 150)
        try scene.add(noise: 0.3) { place in
            let vector = place - center
            let across = SIMD3(vector.x, vector.y, 0)
            guard length(across) > 1 else { return nil }
            let ring = center + across * (major / length(across))
            let distance = length(place - ring)
            return abs(distance - minor) < 40 ? ring + (place - ring) * (minor / distance) : nil
        }
        let membrane = try #require(try scene.measured().first)
        // Of the angles on the small circle, each with its area.
        let angles = (0..<20_000).map { (Double($0) + 0.5) / 20_000 * 2 * .pi }
        func median(_ value: (Double) -> Double) -> Double {
            var sum = 0.0
            let total = angles.reduce(0.0) { $0 + major + minor * cos($1) }
            for angle in angles.sorted(by: { value($0) < value($1) }) {
                sum += major + minor * cos(angle)
                if sum > total / 2 { return value(angle) }
            }
            return .nan
        }
        let mean = median { (major + 2 * minor * cos($0)) / (2 * minor * (major + minor * cos($0))) }
        let gaussian = median { cos($0) / (minor * (major + minor * cos($0))) }
        let (found, bent) = (try #require(membrane.meanCurvature), try #require(membrane.gaussianCurvature))
        let area = try #require(membrane.areaInSquareAngstroms)
        #expect(abs(found.median / mean - 1) < 0.05)
        #expect(abs(bent.median - gaussian) < 0.1 / (minor * minor))
        #expect(abs(area / (4 * .pi * .pi * major * minor) - 1) < 0.05)
    }
}
